// Random numbers for kernel tests: the same on every machine.
#ifndef OXBOW_KERNELS_TESTING_RANDOM_FLOATS_H_
#define OXBOW_KERNELS_TESTING_RANDOM_FLOATS_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace oxbow {

// `count` numbers, uniform in middle - spread .. middle + spread.
inline std::vector<float> RandomFloats(size_t count, uint32_t seed,
                                       float middle = 0.0f,
                                       float spread = 1.0f) {
  std::mt19937 random(seed);
  std::vector<float> numbers(count);
  for (float& number : numbers) {
    const float unit = static_cast<float>(random() >> 8) / 16777216.0f;
    number = middle + spread * (2.0f * unit - 1.0f);
  }
  return numbers;
}

}  // namespace oxbow

#endif  // OXBOW_KERNELS_TESTING_RANDOM_FLOATS_H_
