// Where one span of an embedding plan ends and the next begins.
#ifndef OXBOW_ENGINE_SPAN_SPLITTER_H_
#define OXBOW_ENGINE_SPAN_SPLITTER_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "store/records.h"

namespace oxbow {

// Fed the pieces of a stream's tokens in order, from the beginning of a span
// on. A token belongs to the span in which its last byte lies.
//
// Every N tokens: at multiples of N, counted from the stream's beginning.
// Paragraph: before the first byte after a run of two or more newlines.
// Sentence: before the first byte after '.', '!' or '?', closing quotes or
// brackets, and white space; and where a paragraph begins.
// A paragraph or sentence of kSpanTokensMax tokens is cut there.
//
// A value: a copy looks ahead.
class SpanSplitter {
 public:
  // The longest paragraph or sentence: vectors of more say little.
  static constexpr int kSpanTokensMax = 512;

  explicit SpanSplitter(const EmbeddingPlan& plan) : plan_(plan) {}

  // Takes the next token, the `token_offset`th of the stream. True if it
  // begins a new span. The very first token of a span that was begun before
  // (or of the stream) does not.
  bool Add(uint64_t token_offset, absl::string_view piece);

  // Whether the span is complete without looking at the next token, when
  // `token_offset` tokens are read.
  bool EndsAt(uint64_t token_offset) const;

 private:
  // True if a new span begins at or before this byte.
  bool AddByte(char byte);

  EmbeddingPlan plan_;
  int tokens_ = 0;    // of the span
  int newlines_ = 0;  // at its end
  enum class Sentence {
    kInside,
    kStopped,
    kSpaced
  } sentence_ = Sentence::kInside;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_SPAN_SPLITTER_H_
