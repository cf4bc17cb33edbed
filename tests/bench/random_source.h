// The tensors of a random RWKV-7 of any size, made as they are read.
#ifndef OXBOW_TESTS_BENCH_RANDOM_SOURCE_H_
#define OXBOW_TESTS_BENCH_RANDOM_SOURCE_H_

#include <memory>

#include "engine/weights/tensor_source.h"

namespace oxbow {

struct RandomShape {
  int layers = 12;
  int width = 768;
  int head_size = 64;
  int vocabulary_size = 65536;
  int ffn_width = 3072;
  int w_rank = 64, a_rank = 64, v_rank = 32, g_rank = 128;
  DType dtype = DType::kBF16;  // bf16 or fp16
};

// Numbers of a size that keeps activations bounded; nothing is on disk.
std::unique_ptr<TensorSource> NewRandomSource(const RandomShape& shape);

}  // namespace oxbow

#endif  // OXBOW_TESTS_BENCH_RANDOM_SOURCE_H_
