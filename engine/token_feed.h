// Turns the records of a log into decided tokens, wherever the log was cut.
#ifndef OXBOW_ENGINE_TOKEN_FEED_H_
#define OXBOW_ENGINE_TOKEN_FEED_H_

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "engine/tokenizer/tokenizer.h"
#include "store/records.h"

namespace oxbow {

// A token of a stream and where it ends.
struct FedToken {
  int id = 0;
  Position end;
  // False inside a unit of the tokenizer: then `end` is no place where a text
  // may be cut.
  bool ends_unit = true;
};

// Bytes and ids in, decided tokens out, as design.md says ("What a log is,
// exactly"): text is cut into the tokenizer's units; a unit is decided, all its
// tokens at once, when no further byte could change it; undecided bytes are
// held here. The same log gives the same tokens however it is cut into calls.
//
// A value: copying it is how a scratch copy of a stream is made.
// Thread-compatible. Borrows its tokenizer.
class TokenFeed {
 public:
  // Starts at `at`, where a unit ends (or the stream begins).
  TokenFeed(const Tokenizer* tokenizer, Position at);
  // Starts at `at`, where a stream begins, with text that is read before its
  // first byte and tokenized together with it.
  TokenFeed(const Tokenizer* tokenizer, Position at, absl::string_view lead);

  void AddText(absl::string_view text);
  // The ids pass as given, after a seam.
  void AddIds(const std::vector<int>& ids);
  // Undecided bytes become tokens as if the text ended here; text after it is
  // tokenized afresh.
  void AddSeam();

  // Decided tokens not yet taken, in order.
  const std::deque<FedToken>& decided() const { return decided_; }
  // Takes the first `count` of them.
  std::vector<FedToken> Take(size_t count);

  // Ids of decided tokens that end within the lead, in order; they stand before
  // decided(), and count as no tokens of the stream.
  const std::vector<int>& lead() const { return lead_; }
  std::vector<int> TakeLead() { return std::exchange(lead_, {}); }

  // Bytes given whose tokens are not decided.
  absl::string_view undecided() const { return open().substr(lead_bytes_); }
  // Some of the lead is undecided.
  bool in_lead() const { return lead_bytes_ > 0; }
  // Nothing is undecided, of the lead neither.
  bool closed() const { return open().empty(); }
  // Where everything given so far ends.
  Position end() const { return end_; }

 private:
  void Decide(bool is_end);
  // The undecided text, the lead's included.
  absl::string_view open() const {
    return absl::string_view(text_).substr(text_begin_);
  }

  const Tokenizer* tokenizer_;
  std::string text_;  // undecided from text_begin_ on
  size_t text_begin_ = 0;
  size_t lead_bytes_ = 0;  // of the undecided text, at its beginning
  std::vector<int> lead_;
  Position decided_end_;  // end of the last decided token
  Position end_;
  std::deque<FedToken> decided_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKEN_FEED_H_
