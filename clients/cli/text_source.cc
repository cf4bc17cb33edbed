// The source of plain text: any bytes.
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/append_source.h"
#include "clients/cli/text_argument.h"

namespace oxbow::cli {
namespace {

class TextSource : public AppendSource {
 public:
  TextSource(int fd, size_t chunk_bytes) : fd_(fd), chunk_bytes_(chunk_bytes) {}

  absl::StatusOr<absl::optional<Piece>> Next(
      const v1::Position& begin) override {
    ASSIGN_OR_RETURN(std::string text, ReadSome(fd_, chunk_bytes_));
    if (text.empty()) return absl::optional<Piece>();
    offset_ += text.size();
    Piece piece;
    *piece.chunk.mutable_position() = begin;
    piece.end.set_byte_offset(begin.byte_offset() + text.size());
    piece.chunk.set_text(std::move(text));
    return absl::optional<Piece>(std::move(piece));
  }

  absl::Status Skip(const std::string& text) override {
    std::string own;
    while (own.size() < text.size()) {
      ASSIGN_OR_RETURN(const std::string some,
                       ReadSome(fd_, text.size() - own.size()));
      if (some.empty()) {
        return DataFault(absl::StrCat(
            "the stream is longer than the file, which ends after ",
            offset_ + own.size(), " bytes: the file is not its whole text"));
      }
      own += some;
    }
    if (own != text) {
      size_t same = 0;
      while (own[same] == text[same]) ++same;
      return DataFault(absl::StrCat(
          "the stream's text is not the beginning of the file: they differ at "
          "byte ",
          offset_ + same));
    }
    offset_ += text.size();
    return absl::OkStatus();
  }

  absl::Status SkipTo(const v1::Position& end) override {
    if (end.zero_byte_tokens() == 0) return absl::OkStatus();
    return DataFault(
        "the stream ends with token ids that have no bytes, which a text "
        "cannot have");
  }

 private:
  const int fd_;
  const size_t chunk_bytes_;
  uint64_t offset_ = 0;  // bytes taken
};

}  // namespace

bool IsBefore(const v1::Position& a, const v1::Position& b) {
  if (a.byte_offset() != b.byte_offset()) {
    return a.byte_offset() < b.byte_offset();
  }
  return a.zero_byte_tokens() < b.zero_byte_tokens();
}

std::unique_ptr<AppendSource> NewTextSource(int fd, size_t chunk_bytes) {
  return std::make_unique<TextSource>(fd, chunk_bytes);
}

}  // namespace oxbow::cli
