// A tensor on its way into a file.
#ifndef OXBOW_TESTS_TESTING_TINY_TENSOR_H_
#define OXBOW_TESTS_TESTING_TINY_TENSOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/tensor.h"

namespace oxbow {

// A tensor before it is rounded to its dtype.
struct TinyTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> numbers;
};

// The numbers rounded to nearest even, little-endian.
std::string Encode(const std::vector<float>& numbers, DType dtype);

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_TINY_TENSOR_H_
