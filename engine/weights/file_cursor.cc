#include "engine/weights/file_cursor.h"

#include <algorithm>
#include <cstring>

#include "absl/base/internal/endian.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

constexpr int64_t kBufferBytes = 64 << 10;

}  // namespace

absl::Status FileCursor::Fault(absl::string_view why) const {
  return absl::InvalidArgumentError(
      absl::StrCat(file_->path(), ": ", part_, " ", why));
}

absl::Status FileCursor::CheckLeft(uint64_t count) const {
  if (count <= static_cast<uint64_t>(left())) return absl::OkStatus();
  return Fault(absl::StrCat("needs ", count, " bytes, the file ends ", left(),
                            " bytes on"));
}

absl::Status FileCursor::Fill(char* bytes, size_t count) {
  size_t done = 0;
  while (done < count) {
    const int64_t within = position_ - buffer_begin_;
    if (within < 0 || within >= static_cast<int64_t>(buffer_.size())) {
      buffer_.resize(std::min(kBufferBytes, left()));
      buffer_begin_ = position_;
      RETURN_IF_ERROR(file_->ReadAt(position_, absl::MakeSpan(buffer_)));
      continue;
    }
    const size_t piece = std::min(count - done, buffer_.size() - within);
    std::memcpy(bytes + done, buffer_.data() + within, piece);
    done += piece;
    position_ += piece;
  }
  return absl::OkStatus();
}

template <class T>
absl::StatusOr<T> FileCursor::TakeNumber() {
  RETURN_IF_ERROR(CheckLeft(sizeof(T)));
  T number;
  char bytes[sizeof(T)];
  RETURN_IF_ERROR(Fill(bytes, sizeof(T)));
  std::memcpy(&number, bytes, sizeof(T));
  return number;
}

absl::StatusOr<uint8_t> FileCursor::TakeU8() { return TakeNumber<uint8_t>(); }

absl::StatusOr<uint16_t> FileCursor::TakeU16() {
  ASSIGN_OR_RETURN(const uint16_t number, TakeNumber<uint16_t>());
  return absl::little_endian::ToHost16(number);
}

absl::StatusOr<uint32_t> FileCursor::TakeU32() {
  ASSIGN_OR_RETURN(const uint32_t number, TakeNumber<uint32_t>());
  return absl::little_endian::ToHost32(number);
}

absl::StatusOr<uint64_t> FileCursor::TakeU64() {
  ASSIGN_OR_RETURN(const uint64_t number, TakeNumber<uint64_t>());
  return absl::little_endian::ToHost64(number);
}

absl::StatusOr<std::string> FileCursor::TakeBytes(uint64_t count) {
  RETURN_IF_ERROR(CheckLeft(count));
  std::string bytes(count, '\0');
  RETURN_IF_ERROR(Fill(bytes.data(), bytes.size()));
  return bytes;
}

absl::Status FileCursor::Skip(uint64_t count) {
  RETURN_IF_ERROR(CheckLeft(count));
  position_ += static_cast<int64_t>(count);
  return absl::OkStatus();
}

absl::Status FileCursor::SeekTo(int64_t position) {
  if (position < 0 || position > file_->size()) {
    return Fault(absl::StrCat("is at byte ", position, " of ", file_->size()));
  }
  position_ = position;
  return absl::OkStatus();
}

}  // namespace oxbow
