// A loaded RWKV model: advances the states of many sequences by one batch of
// tokens. Everything above sees only this class; a state outside it is opaque
// bytes with a layout id.
//
//   N  rows: the tokens of every sequence of the batch, laid end to end
//   B  sequences in the batch
//   D  width (n_embd)      V  vocabulary size      L  layers
//
// Exactness: the state and the hidden rows of a sequence depend only on the
// state it started from and on its tokens, bit for bit: not on how the tokens
// were cut into steps, not on the other sequences of a step, not on the
// number of threads.
#ifndef OXBOW_ENGINE_MODEL_MODEL_H_
#define OXBOW_ENGINE_MODEL_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/sha256.h"

namespace oxbow {

// What a model is, as told to users (GetModel) and as fixed in stored states.
struct ModelInfo {
  std::string version;      // "RWKV-7", ...
  int layers = 0;           // L
  int width = 0;            // D
  int vocabulary_size = 0;  // V; token ids are 0 .. V-1
  int head_size = 0;        // S; heads H = D / S; 1 in RWKV-4
  int64_t parameters = 0;
  std::string weights_dtype;  // "bf16", "fp16", "fp32", as stored in memory
  size_t state_bytes = 0;     // one state, as ReadState() gives it
  // Digest of the canonical tensors: names, shapes and values. The same
  // whatever format a model is in.
  Digest weights_id;
  // Names what the bytes of a state mean: version, L, D, S, order, dtype.
  std::string layout_id;
  // Names backend and rounding; bumped only when rounding changes.
  std::string numerics_id;
  // True if the file has a language model head: Logits() may be called.
  bool has_lm_head = false;
  // Names of trained embedding heads, in EmbeddingRWKV's words: "retr", "sts",
  // "cls". Empty for a plain language model.
  std::vector<std::string> embedding_heads;
  // True for a reranker (EmbeddingRWKV's): RankLogits() may be called.
  bool has_rank_head = false;
  // Of a reranker: the layer of the embedder whose wkv each of its layers
  // starts from, as the file says; not checked. A negative one counts from the
  // last, which is -1.
  std::vector<int64_t> reranker_layers;
  // What was merged into the weights, in this order: "lora.pth:2", a file's
  // name and scale. The digest is of the merged weights.
  std::vector<std::string> adapters;
};

// A place for one live state in the model's memory.
using StateSlot = int;

// The input of one step.
struct Batch {
  std::vector<int> tokens;       // [N] each in 0 .. V-1
  std::vector<int> row_end;      // [B] ascending; row_end[B-1] == N
  std::vector<StateSlot> slots;  // [B] distinct: the sequence's state
  std::vector<int> hidden_rows;  // ascending rows whose hidden row is wanted
};

// Thread-compatible: one engine thread owns it. It uses threads of its own
// inside a call.
class Model {
 public:
  virtual ~Model() = default;

  virtual const ModelInfo& info() const = 0;

  // A new slot holding the initial state (no token read yet).
  // ResourceExhausted when `slots_max` are in use.
  virtual absl::StatusOr<StateSlot> NewState() = 0;
  // Gives the slot back. Its contents are overwritten before reuse.
  virtual void FreeState(StateSlot slot) = 0;
  // Makes `slot` the initial state again.
  virtual void ResetState(StateSlot slot) = 0;
  // to := from.
  virtual void CopyState(StateSlot to, StateSlot from) = 0;
  // The state as info().state_bytes bytes, little-endian fp32.
  virtual void ReadState(StateSlot slot, absl::Span<char> bytes) const = 0;
  // The inverse. InvalidArgument, slot unchanged, if the size is wrong or a
  // number is not finite: the bytes come from outside.
  virtual absl::Status WriteState(StateSlot slot,
                                  absl::Span<const char> bytes) = 0;

  // Advances every sequence of the batch by its rows. Writes the hidden row
  // (the output of ln_out, [D]) of batch.hidden_rows[i] to hidden[i*D..].
  // A batch that breaks the rules above is a bug and CHECK-fails.
  virtual void Step(const Batch& batch, absl::Span<float> hidden) = 0;

  // The hidden row of the last token that `slot` read; it is part of the
  // state. All zero if it read none.
  virtual void HiddenOf(StateSlot slot, absl::Span<float> hidden) const = 0;

  // logits[n,V] of hidden[n,D]. Only if info().has_lm_head.
  virtual void Logits(absl::Span<const float> hidden,
                      absl::Span<float> logits) = 0;

  // embedding[n,D] = LayerNorm(x + fc2(relu(fc1(x)))) of hidden[n,D], by the
  // named head (EmbeddingRWKV). Only for a head that info() names.
  virtual void EmbeddingHead(const std::string& head,
                             absl::Span<const float> hidden,
                             absl::Span<float> embedding) = 0;

  // logits[n] = w2 . tanh(w0 x + b0) of hidden[n,D] (EmbeddingRWKV's reranker;
  // the score is the logit's sigmoid). Only if info().has_rank_head.
  virtual void RankLogits(absl::Span<const float> hidden,
                          absl::Span<float> logits) = 0;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_MODEL_H_
