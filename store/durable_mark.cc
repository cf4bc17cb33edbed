#include "store/durable_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "base/sha256.h"

namespace oxbow {
namespace {

constexpr size_t kDigits = 20;
constexpr size_t kChecksumDigits = 16;
constexpr size_t kFileBytes = kDigits + 1 + kChecksumDigits + 1;

// "00000000000000000042 1f3a...\n": for people too.
std::string Encode(uint64_t change) {
  const std::string digits = absl::StrFormat("%020u", change);
  return absl::StrCat(digits, " ",
                      ToHex(Sha256(digits)).substr(0, kChecksumDigits), "\n");
}

uint64_t Decode(absl::string_view bytes) {
  uint64_t change = 0;
  if (!absl::SimpleAtoi(bytes.substr(0, kDigits), &change)) return 0;
  return Encode(change) == bytes ? change : 0;
}

uint64_t ReadFrom(int file) {
  char bytes[kFileBytes];
  const ssize_t count = pread(file, bytes, kFileBytes, 0);
  return count == kFileBytes ? Decode(absl::string_view(bytes, kFileBytes)) : 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DurableMark>> DurableMark::Open(
    const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (file < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("Opening ", path));
  }
  return std::unique_ptr<DurableMark>(new DurableMark(file, ReadFrom(file)));
}

uint64_t DurableMark::Peek(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const uint64_t change = ReadFrom(file);
  close(file);
  return change;
}

DurableMark::~DurableMark() { close(file_); }

void DurableMark::Raise(uint64_t change) {
  const std::string bytes = Encode(change);
  if (pwrite(file_, bytes.data(), bytes.size(), 0) ==
      static_cast<ssize_t>(bytes.size())) {
    change_ = change;
  }
}

}  // namespace oxbow
