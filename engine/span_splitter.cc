#include "engine/span_splitter.h"

#include "absl/strings/ascii.h"

namespace oxbow {
namespace {

bool Stops(char byte) { return byte == '.' || byte == '!' || byte == '?'; }

bool Closes(char byte) {
  return byte == '"' || byte == '\'' || byte == ')' || byte == ']';
}

}  // namespace

bool SpanSplitter::Add(uint64_t token_offset, absl::string_view piece) {
  bool begins = false;
  for (char byte : piece) begins |= AddByte(byte);
  if (plan_.kind == EmbeddingPlan::Kind::kEveryTokens) {
    begins = token_offset % plan_.tokens == 0;
  } else {
    begins |= tokens_ >= kSpanTokensMax;
  }
  begins &= tokens_ > 0;
  tokens_ = begins ? 1 : tokens_ + 1;
  return begins;
}

bool SpanSplitter::EndsAt(uint64_t token_offset) const {
  return plan_.kind == EmbeddingPlan::Kind::kEveryTokens && tokens_ > 0 &&
         token_offset % plan_.tokens == 0;
}

bool SpanSplitter::AddByte(char byte) {
  if (absl::ascii_isspace(byte)) {
    if (byte == '\n') ++newlines_;
    if (sentence_ == Sentence::kStopped) sentence_ = Sentence::kSpaced;
    return false;
  }
  const bool paragraph = newlines_ >= 2;
  const bool begins =
      paragraph || (plan_.kind == EmbeddingPlan::Kind::kSentence &&
                    sentence_ == Sentence::kSpaced);
  newlines_ = 0;
  if (Stops(byte)) {
    sentence_ = Sentence::kStopped;
  } else if (sentence_ != Sentence::kStopped || !Closes(byte)) {
    sentence_ = Sentence::kInside;
  }
  return begins;
}

}  // namespace oxbow
