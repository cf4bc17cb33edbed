// Writes .pth files as torch.save does.
#ifndef OXBOW_TESTS_TESTING_PTH_WRITER_H_
#define OXBOW_TESTS_TESTING_PTH_WRITER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "tests/testing/tiny_tensor.h"

namespace oxbow {

absl::Status WritePth(const std::vector<TinyTensor>& tensors, DType dtype,
                      const std::string& path);

// A list of whole numbers beside the tensors.
using NamedInts = std::pair<std::string, std::vector<int64_t>>;
absl::Status WritePth(const std::vector<TinyTensor>& tensors, DType dtype,
                      const absl::optional<NamedInts>& ints,
                      const std::string& path);

// The pickle within: an OrderedDict of tensors, tensor i in storage "i".
std::string PickleOf(const std::vector<TinyTensor>& tensors, DType dtype,
                     const absl::optional<NamedInts>& ints = absl::nullopt);

// A zip archive of these entries (name, bytes), stored as they are or, for
// tests, deflated.
absl::Status WriteZip(
    const std::vector<std::pair<std::string, std::string>>& entries,
    bool deflate, const std::string& path);

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_PTH_WRITER_H_
