// Small random models of every RWKV version, for tests and for trying things
// out.
#ifndef OXBOW_TESTS_TESTING_TINY_MODEL_H_
#define OXBOW_TESTS_TESTING_TINY_MODEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "kernels/tensor.h"
#include "tests/testing/tiny_tensor.h"

namespace oxbow {

// The shape of a model. Its numbers depend on the seed and on each tensor's
// name alone: options that add or drop tensors leave the others as they are.
struct TinyModelOptions {
  std::string version = "7";  // "4", "5.0", "5.1", "5.2", "6" or "7"
  int layers = 2;
  int width = 64;
  int head_size = 16;  // not of RWKV-4
  int vocabulary_size = 256;
  int ffn_width = 0;  // 0: 4 * width; in RWKV-5 and RWKV-6 3.5 * width
  int w_rank = 8;     // of the decay, in RWKV-6 and RWKV-7
  int a_rank = 8, v_rank = 4, g_rank = 16;  // RWKV-7
  int mix_rank = 8;                         // RWKV-6: time_maa_w1, time_maa_w2
  DType dtype = DType::kBF16;
  uint64_t seed = 1;
  // RWKV-5: the bonus under its older name, time_first, whose exp() counts;
  // else time_faaaa, as it is.
  bool time_first = false;
  // RWKV-5 to RWKV-7: an initial state of its own, blocks.N.att.time_state.
  bool time_state = false;
  // RWKV-7: layer 0's v0, v1 and v2, which no model uses, as most files have
  // them.
  bool first_layer_v = false;
  bool lm_head = true;
  // Any of "retr", "sts", "cls"; with one, names get "rwkv." before them, as
  // in EmbeddingRWKV's files.
  std::vector<std::string> embedding_heads;
  // RWKV-7: EmbeddingRWKV's reranker, under its published names. Has one token
  // whatever vocabulary_size says, and no other head.
  bool reranker = false;
};

// Random, but alive: decays from fast to slow, states that stay bounded,
// logits that differ from token to token by a few units. Names and shapes are
// those of BlinkDL's files. An unknown version is a bug.
std::vector<TinyTensor> MakeTinyTensors(const TinyModelOptions& options);

// The tensors in the format of the path's extension: .safetensors, or .pth as
// torch.save writes it.
absl::Status WriteTensors(const std::vector<TinyTensor>& tensors, DType dtype,
                          const std::string& path);

// Both of the above.
absl::Status WriteTinyModel(const TinyModelOptions& options,
                            const std::string& path);

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_TINY_MODEL_H_
