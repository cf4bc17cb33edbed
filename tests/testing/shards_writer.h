// Writes a model in several .safetensors files.
#ifndef OXBOW_TESTS_TESTING_SHARDS_WRITER_H_
#define OXBOW_TESTS_TESTING_SHARDS_WRITER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/testing/tiny_tensor.h"

namespace oxbow {

// Three files and model.safetensors.index.json in `folder`, which exists.
absl::Status WriteShards(const std::vector<TinyTensor>& tensors, DType dtype,
                         const std::string& folder);

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_SHARDS_WRITER_H_
