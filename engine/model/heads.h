// What a model does with a hidden row: logits, or an embedding.
#ifndef OXBOW_ENGINE_MODEL_HEADS_H_
#define OXBOW_ENGINE_MODEL_HEADS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "engine/model/model_config.h"
#include "engine/model/scratch.h"
#include "engine/weights/weight_loader.h"
#include "kernels/ops.h"

namespace oxbow {

struct LayerNorm {
  Vector scale, bias;
};
constexpr float kLayerNormEps = 1e-5f;

// The language model head, the trained embedding heads and the reranker's, as
// far as the file has them.
//
// Thread-compatible. Borrows the ops.
class Heads {
 public:
  // Errors stay in the loader.
  Heads(Ops* ops, const ModelConfig& config, WeightLoader& loader);

  // See Model::Logits, Model::EmbeddingHead and Model::RankLogits.
  void Logits(absl::Span<const float> hidden, absl::Span<float> logits);
  void Embed(const std::string& head, absl::Span<const float> hidden,
             absl::Span<float> embedding);
  void RankLogits(absl::Span<const float> hidden, absl::Span<float> logits);

 private:
  struct EmbeddingHead {
    Matrix fc1, fc2;
    LayerNorm norm;
  };

  // Hidden rows, written to the backend.
  Rows Take(absl::Span<const float> hidden);
  void Give(Rows rows, absl::Span<float> to) const;

  Ops* const ops_;
  const int width_;
  const bool has_lm_head_;
  Matrix lm_head_;
  std::map<std::string, EmbeddingHead> embedding_heads_;
  Matrix rank_in_;                           // w0
  std::vector<float> rank_bias_, rank_out_;  // b0 and w2, [D]
  Scratch scratch_;
  Scratch logits_;
  int x_, between_;
  int logits_rows_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_HEADS_H_
