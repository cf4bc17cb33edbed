// The source of token ids.
#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/append_source.h"
#include "clients/cli/text_argument.h"

namespace oxbow::cli {
namespace {

constexpr char kSpace[] = " \t\r\n\v\f";

class TokenSource : public AppendSource {
 public:
  TokenSource(int fd, size_t chunk_ids, Connection* connection)
      : fd_(fd), chunk_ids_(chunk_ids), connection_(connection) {}

  absl::StatusOr<absl::optional<Piece>> Next(
      const v1::Position& begin) override {
    RETURN_IF_ERROR(Fill());
    if (tokens_.empty()) return absl::optional<Piece>();
    Piece piece;
    *piece.chunk.mutable_position() = begin;
    piece.end = begin;
    const size_t count = std::min(chunk_ids_, tokens_.size());
    for (size_t i = 0; i < count; ++i) {
      const Token& token = tokens_.front();
      piece.chunk.mutable_tokens()->add_ids(token.id);
      Advance(token, &piece.end);
      tokens_.pop_front();
    }
    return absl::optional<Piece>(std::move(piece));
  }

  absl::Status Skip(const std::string& text) override {
    for (size_t taken = 0; taken < text.size();) {
      RETURN_IF_ERROR(Fill());
      if (tokens_.empty()) {
        return DataFault("the stream is longer than the ids of the file");
      }
      std::string& bytes = tokens_.front().bytes;
      const size_t count = std::min(bytes.size(), text.size() - taken);
      if (text.compare(taken, count, bytes, 0, count) != 0) {
        return DataFault(
            "the stream's text is not the beginning of what the ids say");
      }
      taken += count;
      // A token's last byte takes it away; a piece of the stream's text may
      // end within a token.
      bytes.erase(0, count);
      if (bytes.empty()) {
        tokens_.pop_front();
        inside_ = false;
      } else {
        inside_ = true;
      }
    }
    return absl::OkStatus();
  }

  absl::Status SkipTo(const v1::Position& end) override {
    if (inside_) {
      return DataFault("the stream ends inside one of the file's tokens");
    }
    for (int64_t i = 0; i < end.zero_byte_tokens(); ++i) {
      RETURN_IF_ERROR(Fill());
      if (tokens_.empty() || !tokens_.front().bytes.empty()) {
        return DataFault("the stream has more ids without bytes than the file");
      }
      tokens_.pop_front();
    }
    return absl::OkStatus();
  }

 private:
  struct Token {
    int id = 0;
    std::string bytes;
  };

  static void Advance(const Token& token, v1::Position* position) {
    if (token.bytes.empty()) {
      position->set_zero_byte_tokens(position->zero_byte_tokens() + 1);
    } else {
      position->set_byte_offset(position->byte_offset() + token.bytes.size());
      position->set_zero_byte_tokens(0);
    }
  }

  // At least one token, unless the file is at its end.
  absl::Status Fill() {
    while (tokens_.empty() && !(at_end_ && ids_.empty())) {
      if (ids_.empty()) RETURN_IF_ERROR(ReadIds());
      if (!ids_.empty()) RETURN_IF_ERROR(Measure());
    }
    return absl::OkStatus();
  }

  absl::Status ReadIds() {
    ASSIGN_OR_RETURN(const std::string some, ReadSome(fd_, 1 << 15));
    at_end_ = some.empty();
    text_ += some;
    // The last word may go on in what is read next.
    size_t end = text_.size();
    if (!at_end_) {
      const size_t space = text_.find_last_of(kSpace);
      end = space == std::string::npos ? 0 : space;
    }
    ASSIGN_OR_RETURN(ids_, ParseIds(text_.substr(0, end)));
    text_.erase(0, end);
    return absl::OkStatus();
  }

  absl::Status Measure() {
    v1::DetokenizeRequest request;
    request.mutable_tokens()->Add(ids_.begin(), ids_.end());
    ASSIGN_OR_RETURN(
        const v1::DetokenizeResponse response,
        Ask(&connection_->models(), &v1::Models::Stub::Detokenize, request));
    size_t begin = 0;
    for (size_t i = 0; i < ids_.size(); ++i) {
      const int length = response.byte_lengths(i);
      tokens_.push_back({ids_[i], response.text().substr(begin, length)});
      begin += length;
    }
    ids_.clear();
    return absl::OkStatus();
  }

  const int fd_;
  const size_t chunk_ids_;
  Connection* const connection_;
  std::string text_;          // read, not yet parsed
  bool at_end_ = false;       // nothing more to read
  std::vector<int> ids_;      // parsed, not yet measured
  std::deque<Token> tokens_;  // measured, not yet given out
  bool inside_ = false;       // a part of tokens_.front() was skipped
};

}  // namespace

std::unique_ptr<AppendSource> NewTokenSource(int fd, size_t chunk_ids,
                                             Connection* connection) {
  return std::make_unique<TokenSource>(fd, chunk_ids, connection);
}

}  // namespace oxbow::cli
