// A file from outside, opened with care.
#ifndef OXBOW_ENGINE_WEIGHTS_INPUT_FILE_H_
#define OXBOW_ENGINE_WEIGHTS_INPUT_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace oxbow {

// A regular file, read at any place. Movable. Thread-safe.
class InputFile {
 public:
  // NotFound: no such file. PermissionDenied. InvalidArgument: a folder, a
  // pipe, a device.
  static absl::StatusOr<InputFile> Open(const std::string& path);

  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;
  ~InputFile();

  const std::string& path() const { return path_; }
  int64_t size() const { return size_; }
  int descriptor() const { return descriptor_; }

  // Fills `bytes` from `offset` on. InvalidArgument if the file ends before.
  absl::Status ReadAt(int64_t offset, absl::Span<char> bytes) const;

  // All of it. InvalidArgument if it has more than bytes_max bytes.
  absl::StatusOr<std::string> ReadAll(int64_t bytes_max) const;

 private:
  InputFile(std::string path, int descriptor, int64_t size);

  std::string path_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_INPUT_FILE_H_
