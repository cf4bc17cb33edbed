#include "engine/tokenizer/text_window.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "unicode/normalizer2.h"
#include "unicode/uchar.h"
#include "unicode/unistr.h"
#include "unicode/utf8.h"

namespace oxbow {
namespace {

// Below this, every character begins a segment, and NFC leaves it alone.
constexpr UChar32 kPlainEnd = 0x300;
constexpr UChar32 kReplacement = 0xfffd;

const icu::Normalizer2& Nfc() {
  static const icu::Normalizer2* const kNfc = [] {
    UErrorCode error = U_ZERO_ERROR;
    const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
    OXBOW_CHECK(U_SUCCESS(error)) << "no NFC tables: " << u_errorName(error);
    return nfc;
  }();
  return *kNfc;
}

TextWindow::Kind ComputeKind(UChar32 point) {
  if (u_isUWhiteSpace(point)) return TextWindow::Kind::kSpace;
  const uint32_t category = U_MASK(u_charType(point));
  if (category & U_GC_L_MASK) return TextWindow::Kind::kLetter;
  if (category & U_GC_N_MASK) return TextWindow::Kind::kNumber;
  return TextWindow::Kind::kOther;
}

TextWindow::Kind KindOf(UChar32 point) {
  static const auto kAscii = [] {
    std::array<TextWindow::Kind, 128> kinds;
    for (int i = 0; i < 128; ++i) kinds[i] = ComputeKind(i);
    return kinds;
  }();
  return point < 128 ? kAscii[point] : ComputeKind(point);
}

bool IsNfcAlone(UChar32 point) {
  return point < kPlainEnd ||
         u_getIntPropertyValue(point, UCHAR_NFC_QUICK_CHECK) == UNORM_YES;
}

// Says where a segment ends, character by character.
class SegmentEnd {
 public:
  // Whether the next character belongs to the segment.
  bool Continues(UChar32 point) {
    if (point < kPlainEnd || Nfc().hasBoundaryBefore(point)) return false;
    const bool is_starter =
        u_getIntPropertyValue(point, UCHAR_LEAD_CANONICAL_COMBINING_CLASS) == 0;
    if (!is_starter) return ++non_starters_ <= kNonStartersMax;
    // A starter composes with starters right before it, as Hangul's do, three
    // at most in a row. Behind a non-starter it stands alone.
    return non_starters_ == 0 && ++starters_ <= kStartersMax;
  }

 private:
  static constexpr int kStartersMax = 3;
  static constexpr int kNonStartersMax = 30;

  int starters_ = 1;  // the first character
  int non_starters_ = 0;
};

}  // namespace

TextWindow::Found TextWindow::Decode(size_t at, Decoded* decoded) const {
  if (at == text_.size()) return is_end_ ? Found::kEnd : Found::kUnknown;
  if (at > 0) {
    const PieceTrie::Match stop = stops_->At(text_.substr(at));
    if (stop.may_grow && !is_end_) return Found::kUnknown;
    if (stop.bytes > 0) return Found::kEnd;
  }
  *decoded = {static_cast<uint8_t>(text_[at]), at, at + 1, false};
  if (decoded->point < 128) return Found::kCharacter;
  const auto* bytes = reinterpret_cast<const uint8_t*>(text_.data()) + at;
  const auto size =
      static_cast<int32_t>(std::min<size_t>(text_.size() - at, 4));
  int32_t taken = 0;
  U8_NEXT(bytes, taken, size, decoded->point);
  decoded->end = at + taken;
  if (decoded->point >= 0) return Found::kCharacter;
  // The bytes may be the beginning of a character that is not all there.
  if (decoded->end == text_.size() && !is_end_) return Found::kUnknown;
  decoded->point = kReplacement;
  decoded->is_replaced = true;
  return Found::kCharacter;
}

TextWindow::Found TextWindow::DecodeSegment(
    absl::InlinedVector<Decoded, 4>* segment) const {
  Decoded decoded;
  SegmentEnd end;
  Found found = Decode(next_, &decoded);
  if (found != Found::kCharacter) return found;
  segment->push_back(decoded);
  while (normalizes_) {
    found = Decode(decoded.end, &decoded);
    if (found != Found::kCharacter || !end.Continues(decoded.point)) break;
    segment->push_back(decoded);
  }
  return found;
}

bool TextWindow::ReadSegment() {
  if (ended_) return false;
  absl::InlinedVector<Decoded, 4> segment;
  undecided_ = DecodeSegment(&segment) == Found::kUnknown;
  ended_ = undecided_ || segment.empty() ||
           (segment.back().end > kBytesMax && !chars_.empty());
  if (ended_) return false;
  AppendSegment(segment);
  next_ = segment.back().end;
  return true;
}

void TextWindow::AppendSegment(const absl::InlinedVector<Decoded, 4>& segment) {
  const Decoded& first = segment.front();
  if (segment.size() == 1 && (!normalizes_ || IsNfcAlone(first.point))) {
    return Append(first.point, first.begin, true, first.is_replaced);
  }
  icu::UnicodeString given;
  bool is_changed = first.is_replaced;
  for (const Decoded& decoded : segment) given.append(decoded.point);
  UErrorCode error = U_ZERO_ERROR;
  const icu::UnicodeString composed = Nfc().normalize(given, error);
  OXBOW_CHECK(U_SUCCESS(error)) << u_errorName(error);
  is_changed |= composed != given;
  size_t index = 0;
  for (int32_t i = 0; i < composed.length(); ++index) {
    const UChar32 point = composed.char32At(i);
    const size_t source = is_changed ? first.begin : segment[index].begin;
    Append(point, source, i == 0, is_changed);
    i += U16_LENGTH(point);
  }
}

void TextWindow::Append(int32_t point, size_t source, bool begins_segment,
                        bool is_changed) {
  chars_.push_back({static_cast<uint32_t>(normalized_.size()),
                    static_cast<uint32_t>(source), KindOf(point),
                    begins_segment, is_changed});
  uint8_t bytes[4];
  int32_t count = 0;
  U8_APPEND_UNSAFE(bytes, count, point);
  normalized_.append(reinterpret_cast<const char*>(bytes), count);
}

size_t TextWindow::SourceOf(size_t place, size_t* index) const {
  while (*index < chars_.size() && begin(*index + 1) <= place) ++*index;
  if (*index == chars_.size()) return next_;
  const Char& character = chars_[*index];
  return character.source +
         (character.is_changed ? 0 : place - character.begin);
}

}  // namespace oxbow
