// What a hostile file is put through.
#ifndef OXBOW_ENGINE_WEIGHTS_TESTING_READ_EVERYTHING_H_
#define OXBOW_ENGINE_WEIGHTS_TESTING_READ_EVERYTHING_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/check.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// Reads every tensor of a source that opened, and holds the reader to the
// promises of tensor_source.h. The first error, of opening or reading.
inline absl::Status ReadEverything(
    absl::StatusOr<std::unique_ptr<TensorSource>> source) {
  if (!source.ok()) {
    OXBOW_CHECK(!source.status().message().empty());
    return source.status();
  }
  const auto entries = (*source)->entries();
  OXBOW_CHECK(entries.size() <= kTensorsMax);
  for (size_t i = 0; i < entries.size(); ++i) {
    OXBOW_CHECK_OK(
        CheckShape(entries[i].name, entries[i].dtype, entries[i].shape));
    std::vector<char> bytes(entries[i].Bytes());
    const absl::Status status =
        (*source)->Read(static_cast<int>(i), absl::MakeSpan(bytes));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_TESTING_READ_EVERYTHING_H_
