// The beginning of a text, as a BPE tokenizer looks at it.
#ifndef OXBOW_ENGINE_TOKENIZER_TEXT_WINDOW_H_
#define OXBOW_ENGINE_TOKENIZER_TEXT_WINDOW_H_

#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "engine/tokenizer/token_finder.h"

namespace oxbow {

// Reads a text from its beginning, no further than it is asked for: decodes
// UTF-8 (what is not UTF-8 reads as U+FFFD, one for each maximal part of a
// character, as the Unicode Standard recommends in section 3.9), brings it
// into normalization form C segment by segment, and says what each character
// is. A segment is a character with those behind it that may combine with it
// or change places. It is cut behind 30 non-starters, so that it is bounded:
// text in Stream-Safe Text Format (UAX #15, section 13) never has more.
//
// The window ends where the text does, where a special token begins, or where
// the next segment would reach past kBytesMax. Where that depends on bytes
// that are not there yet, it ends too, and undecided() is true: then nothing
// found in it counts.
//
// One thread only. Borrows the text and the tokens.
class TextWindow {
 public:
  // Bytes of the text in a window; the first segment is always in it.
  static constexpr size_t kBytesMax = 4096;
  // Bytes a segment may have.
  static constexpr size_t kSegmentBytesMax = 4 * (3 + 30);

  enum class Kind : uint8_t { kLetter, kNumber, kSpace, kOther };

  // `stops` are the tokens at which the window ends; none is at the text's
  // very beginning.
  TextWindow(absl::string_view text, bool is_end, bool normalizes,
             const TokenFinder* stops)
      : text_(text), is_end_(is_end), normalizes_(normalizes), stops_(stops) {}

  // Whether there is a character of this index. Calls come in any order, but
  // an index is asked for before anything else is said of it.
  bool Has(size_t index) {
    while (index >= chars_.size() && ReadSegment()) {
    }
    return index < chars_.size();
  }
  // Reads one more segment; false if the window ends.
  bool ReadSegment();
  bool undecided() const { return undecided_; }
  // Characters read so far.
  size_t read() const { return chars_.size(); }

  Kind kind(size_t index) const { return chars_[index].kind; }
  // Where a character begins in normalized(); for read(): where that ends.
  size_t begin(size_t index) const {
    return index < chars_.size() ? chars_[index].begin : normalized_.size();
  }
  // Whether the text may be cut before it; true for read().
  bool begins_segment(size_t index) const {
    return index >= chars_.size() || chars_[index].begins_segment;
  }
  // All that was read, normalized, as UTF-8.
  absl::string_view normalized() const { return normalized_; }
  // Where in the text a place in normalized() is, that lies in or behind the
  // character `index`: inside a segment that normalization changed, where the
  // segment begins.
  size_t SourceOf(size_t place, size_t* index) const;

 private:
  struct Char {
    uint32_t begin;   // in normalized_
    uint32_t source;  // in text_
    Kind kind;
    bool begins_segment;
    bool is_changed;  // its segment is not what stands in the text
  };
  struct Decoded {
    int32_t point;
    size_t begin;
    size_t end;
    bool is_replaced;
  };
  enum class Found { kCharacter, kEnd, kUnknown };

  Found Decode(size_t at, Decoded* decoded) const;
  // The segment at next_, and what was found behind its last character.
  Found DecodeSegment(absl::InlinedVector<Decoded, 4>* segment) const;
  void Append(int32_t point, size_t source, bool begins_segment,
              bool is_changed);
  void AppendSegment(const absl::InlinedVector<Decoded, 4>& segment);

  const absl::string_view text_;
  const bool is_end_;
  const bool normalizes_;
  const TokenFinder* const stops_;

  size_t next_ = 0;  // where in text_ the next segment begins
  bool ended_ = false;
  bool undecided_ = false;
  absl::InlinedVector<Char, 32> chars_;
  std::string normalized_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_TEXT_WINDOW_H_
