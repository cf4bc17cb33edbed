// Random weights in any dtype for kernel tests: the same on every machine.
#ifndef OXBOW_KERNELS_TESTING_RANDOM_BLOCKS_H_
#define OXBOW_KERNELS_TESTING_RANDOM_BLOCKS_H_

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/blocks.h"
#include "kernels/tensor.h"

namespace oxbow {

// Every format with blocks.
constexpr DType kBlockDTypes[] = {DType::kQ8_0, DType::kQ4_0, DType::kQ4_1,
                                  DType::kQ5_0, DType::kQ5_1, DType::kQ4_K,
                                  DType::kQ5_K, DType::kQ6_K};

// Where a block's fp16 scales are.
inline std::vector<int> ScalesOf(DType dtype) {
  switch (dtype) {
    case DType::kQ8_0:
    case DType::kQ4_0:
    case DType::kQ5_0:
      return {0};
    case DType::kQ6_K:
      return {208};
    default:
      return {0, 2};
  }
}

// Weights as a file holds them, and the same as fp32.
struct RandomWeights {
  std::vector<char> bytes;
  std::vector<float> numbers;
};

// Random bits of which the scales are of moderate size, as numbers of the
// plain dtypes are: no sum of a test's length overflows. `count` numbers in
// whole blocks.
inline RandomWeights MakeRandomWeights(DType dtype, int64_t count,
                                       uint32_t seed) {
  std::mt19937 random(seed);
  RandomWeights w;
  w.bytes.resize(BytesOf(dtype, count));
  for (char& byte : w.bytes) byte = static_cast<char>(random() >> 24);
  const bool is_plain = NumbersPerBlock(dtype) == 1;
  const std::vector<int> scales =
      is_plain ? std::vector<int>{BytesPerBlock(dtype) - 2} : ScalesOf(dtype);
  const bool is_fp16 = !is_plain || dtype == DType::kF16;
  for (size_t b = 0; b < w.bytes.size(); b += BytesPerBlock(dtype)) {
    for (int at : scales) {
      // A sign, an exponent of 2^-3 or so, and the fraction.
      uint16_t bits;
      std::memcpy(&bits, &w.bytes[b + at], 2);
      bits = is_fp16 ? (bits & 0x83ff) | 0x3000 : (bits & 0x807f) | 0x3e00;
      std::memcpy(&w.bytes[b + at], &bits, 2);
    }
  }
  w.numbers.resize(count);
  Dequantize(w.numbers.data(), w.bytes.data(), dtype, count);
  return w;
}

}  // namespace oxbow

#endif  // OXBOW_KERNELS_TESTING_RANDOM_BLOCKS_H_
