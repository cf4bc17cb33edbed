#include "engine/tokenizer/text_window.h"

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/nasty_text.h"
#include "unicode/normalizer2.h"
#include "unicode/unistr.h"
#include "unicode/utf8.h"

namespace oxbow {
namespace {

using Kind = TextWindow::Kind;

const TokenFinder& None() {
  static const auto* const kNone = new TokenFinder({});
  return *kNone;
}

std::string ReadAll(TextWindow* window) {
  while (window->ReadSegment()) {
  }
  return std::string(window->normalized());
}

// All of a text, window by window.
std::string Normalized(absl::string_view text, bool normalizes = true) {
  std::string normalized;
  while (!text.empty()) {
    TextWindow window(text, true, normalizes, &None());
    normalized += ReadAll(&window);
    size_t index = 0;
    text.remove_prefix(window.SourceOf(window.normalized().size(), &index));
  }
  return normalized;
}

std::string WholeNfc(const std::string& text) {
  UErrorCode error = U_ZERO_ERROR;
  const auto* nfc = icu::Normalizer2::getNFCInstance(error);
  std::string normalized;
  nfc->normalize(icu::UnicodeString::fromUTF8(text), error)
      .toUTF8String(normalized);
  return normalized;
}

TEST(TextWindowTest, NormalizesAsTheWholeTextWould) {
  EXPECT_EQ(Normalized("e\u0301 q\u0307\u0323 \u1112\u1161\u11ab \u212a"),
            "\u00e9 q\u0323\u0307 \ud55c K");
  EXPECT_EQ(Normalized("e\u0301", /*normalizes=*/false), "e\u0301");
  std::mt19937_64 random(1);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = NastyText(random() % 40, &random);
    // fromUTF8 replaces what is not UTF-8 as we do.
    ASSERT_EQ(Normalized(text), WholeNfc(text)) << round;
  }
}

TEST(TextWindowTest, EveryStarterAndMarkNormalizesAsInTheWholeText) {
  // Every character that may compose with one before it, behind three others.
  UErrorCode error = U_ZERO_ERROR;
  const auto* nfc = icu::Normalizer2::getNFCInstance(error);
  std::vector<UChar32> points;
  for (UChar32 point = 0; point <= 0x10ffff; ++point) {
    if (U_IS_SURROGATE(point)) continue;
    if (!nfc->isInert(point)) points.push_back(point);
  }
  std::mt19937_64 random(2);
  for (int round = 0; round < 100000; ++round) {
    icu::UnicodeString text;
    for (int i = 0; i < 5; ++i) {
      // Neighbours are what composes: the same script.
      static size_t at = 0;
      if (i == 0) at = random() % points.size();
      at = (at + random() % 41 + points.size() - 20) % points.size();
      text.append(points[at]);
    }
    std::string utf8;
    text.toUTF8String(utf8);
    ASSERT_EQ(Normalized(utf8), WholeNfc(utf8)) << utf8;
  }
}

TEST(TextWindowTest, ASegmentIsCutBehindThirtyMarks) {
  std::string marks;
  for (int i = 0; i < 30; ++i) marks += "\u0301";
  EXPECT_EQ(Normalized("q" + marks + "\u0323"), "q" + marks + "\u0323");
  EXPECT_EQ(Normalized("q" + marks.substr(2) + "\u0323"),
            "q\u0323" + marks.substr(2));
}

TEST(TextWindowTest, EachMaximalPartReadsAsOneReplacement) {
  const std::string fffd = "\ufffd";
  EXPECT_EQ(Normalized("a\xff"), "a" + fffd);
  EXPECT_EQ(Normalized("\xe4\xbd"), fffd);
  EXPECT_EQ(Normalized("\xe4\xbd\xe4\xbd\xa0"), fffd + "\u4f60");
  EXPECT_EQ(Normalized("\xf0\x9f\x98z"), fffd + "z");
  EXPECT_EQ(Normalized("\xed\xa0\x80"), fffd + fffd + fffd);
  EXPECT_EQ(Normalized("\xc0\xaf"), fffd + fffd);
  // The Unicode Standard, table 3-8 and 3-11.
  EXPECT_EQ(Normalized("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"),
            fffd + fffd + fffd + fffd + "A");
}

TEST(TextWindowTest, KindsAreThoseOfUnicode) {
  const std::string text = "a\u4f60\u05d01\u0663\u00bd \n\u00a0\u3000.\u0301";
  TextWindow window(text, true, true, &None());
  std::vector<Kind> kinds;
  for (size_t i = 0; window.Has(i); ++i) kinds.push_back(window.kind(i));
  EXPECT_EQ(kinds,
            (std::vector<Kind>{Kind::kLetter, Kind::kLetter, Kind::kLetter,
                               Kind::kNumber, Kind::kNumber, Kind::kNumber,
                               Kind::kSpace, Kind::kSpace, Kind::kSpace,
                               Kind::kSpace, Kind::kOther, Kind::kOther}));
}

TEST(TextWindowTest, WhatMayBeFollowedByAMarkIsUndecided) {
  TextWindow open("ab", false, true, &None());
  EXPECT_TRUE(open.Has(0));
  EXPECT_FALSE(open.undecided());
  EXPECT_FALSE(open.Has(1)) << "a mark may follow";
  EXPECT_TRUE(open.undecided());
  TextWindow plain("ab", false, false, &None());
  EXPECT_TRUE(plain.Has(1));
  EXPECT_FALSE(plain.undecided());
  EXPECT_FALSE(plain.Has(2));
  EXPECT_TRUE(plain.undecided());
  TextWindow half("a\xe4\xbd", false, false, &None());
  EXPECT_FALSE(half.Has(1));
  EXPECT_TRUE(half.undecided());
}

TEST(TextWindowTest, EndsBeforeAToken) {
  const TokenFinder stops({{"<x>", 7}});
  TextWindow window("ab<x>c", true, true, &stops);
  EXPECT_EQ(ReadAll(&window), "ab");
  EXPECT_FALSE(window.undecided());
  TextWindow open("ab<", false, true, &stops);
  EXPECT_EQ(ReadAll(&open), "a");
  EXPECT_TRUE(open.undecided());
}

TEST(TextWindowTest, PlacesAreThoseOfTheText) {
  // a, a composed character of 3 bytes, a replaced one, a whole one.
  const std::string text = "ae\u0301\xff\u4f60";
  TextWindow window(text, true, true, &None());
  ASSERT_EQ(ReadAll(&window), "a\u00e9\ufffd\u4f60");
  std::vector<size_t> sources;
  size_t index = 0;
  for (size_t place = 0; place <= window.normalized().size(); ++place) {
    sources.push_back(window.SourceOf(place, &index));
  }
  EXPECT_EQ(sources, (std::vector<size_t>{0, 1, 1, 4, 4, 4, 5, 6, 7, 8}));
}

TEST(TextWindowTest, HoldsAtMost4096Bytes) {
  const std::string text(5000, 'a');
  TextWindow window(text, false, true, &None());
  EXPECT_EQ(ReadAll(&window).size(), 4096u);
  EXPECT_FALSE(window.undecided()) << "all 5000 are there";
  TextWindow exact(absl::string_view(text).substr(0, 4096), false, true,
                   &None());
  EXPECT_EQ(ReadAll(&exact).size(), 4095u);
  EXPECT_TRUE(exact.undecided());
  // A character is not cut.
  std::string cjk;
  for (int i = 0; i < 2000; ++i) cjk += "\u4f60";
  TextWindow wide(cjk, false, true, &None());
  EXPECT_EQ(ReadAll(&wide).size(), 4095u);
}

}  // namespace
}  // namespace oxbow
