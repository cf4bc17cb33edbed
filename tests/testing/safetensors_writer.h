// Writes .safetensors files.
#ifndef OXBOW_TESTS_TESTING_SAFETENSORS_WRITER_H_
#define OXBOW_TESTS_TESTING_SAFETENSORS_WRITER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/testing/tiny_tensor.h"

namespace oxbow {

absl::Status WriteSafetensors(const std::vector<TinyTensor>& tensors,
                              DType dtype, const std::string& path);

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_SAFETENSORS_WRITER_H_
