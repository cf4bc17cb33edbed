// Small random RWKV-7 models, for tests and for trying things out.
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
  int layers = 2;
  int width = 64;
  int head_size = 16;
  int vocabulary_size = 256;
  int ffn_width = 0;  // 0: 4 * width
  int w_rank = 8, a_rank = 8, v_rank = 4, g_rank = 16;
  DType dtype = DType::kBF16;
  uint64_t seed = 1;
  // Layer 0's v0, v1 and v2, which no model uses, as most files have them.
  bool first_layer_v = false;
  bool lm_head = true;
  // Any of "retr", "sts", "cls"; with one, names get "rwkv." before them, as
  // in EmbeddingRWKV's files.
  std::vector<std::string> embedding_heads;
};

// Random, but alive: decays from fast to slow, states that stay bounded,
// logits that differ from token to token by a few units.
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
