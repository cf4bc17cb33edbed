#include "engine/weights/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"

namespace oxbow {

absl::StatusOr<InputFile> InputFile::Open(const std::string& path) {
  // Without O_NONBLOCK, opening a pipe would wait for its writer.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return absl::ErrnoToStatus(errno, path);
  struct stat info;
  if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(descriptor);
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": not a regular file"));
  }
  return InputFile(path, descriptor, info.st_size);
}

InputFile::InputFile(std::string path, int descriptor, int64_t size)
    : path_(std::move(path)), descriptor_(descriptor), size_(size) {}

InputFile::InputFile(InputFile&& other) noexcept { *this = std::move(other); }

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::Status InputFile::ReadAt(int64_t offset, absl::Span<char> bytes) const {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = pread(descriptor_, bytes.data() + done,
                              bytes.size() - done, offset + done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, path_);
    if (got == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(path_, ": the file ends at byte ", offset + done,
                       ", want ", offset + bytes.size()));
    }
    done += got;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> InputFile::ReadAll(int64_t bytes_max) const {
  if (size_ > bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ": has ", size_, " bytes, at most ", bytes_max, " are read"));
  }
  std::string text(size_, '\0');
  const absl::Status read = ReadAt(0, absl::MakeSpan(&text[0], text.size()));
  if (!read.ok()) return read;
  return text;
}

}  // namespace oxbow
