#include "engine/tokenizer/vocabulary.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace oxbow {
namespace {

constexpr int64_t kIdEndMax = 1 << 20;
constexpr size_t kPieceBytesMax = 1024;

}  // namespace

absl::Status Vocabulary::Add(int64_t id, std::string piece) {
  if (id < 0 || id >= kIdEndMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("id ", id, " is past ", kIdEndMax - 1));
  }
  if (piece.empty() || piece.size() > kPieceBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a piece of ", piece.size(), " bytes, want 1 to ", kPieceBytesMax));
  }
  if (id >= static_cast<int64_t>(pieces_.size())) pieces_.resize(id + 1);
  if (!pieces_[id].empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("id ", id, " is there twice"));
  }
  if (!seen_.insert(piece).second) {
    return absl::InvalidArgumentError("the piece is there twice");
  }
  pieces_[id] = std::move(piece);
  return absl::OkStatus();
}

absl::Status Vocabulary::CheckComplete() const {
  for (int byte = 0; byte < 256; ++byte) {
    if (!seen_.contains(std::string(1, static_cast<char>(byte)))) {
      return absl::InvalidArgumentError(absl::StrCat(
          "no piece for the single byte 0x", absl::Hex(byte, absl::kZeroPad2)));
    }
  }
  return absl::OkStatus();
}

}  // namespace oxbow
