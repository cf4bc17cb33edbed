#include "engine/tokenizer/world_vocabulary.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::HasSubstr;

// The 256 single bytes as ids 1 .. 256.
std::string SingleBytes(absl::string_view line_end = "\n") {
  std::string text;
  for (int byte = 0; byte < 256; ++byte) {
    absl::StrAppend(&text, byte + 1, " b'\\x", absl::Hex(byte, absl::kZeroPad2),
                    "' 1", line_end);
  }
  return text;
}

TEST(WorldVocabularyTest, ReadsLines) {
  const auto pieces = ParseWorldVocabulary(
      absl::StrCat(SingleBytes(), "257 'a b' 3\n300 \"'\\x80\" 3"), "v");
  ASSERT_TRUE(pieces.ok()) << pieces.status();
  EXPECT_EQ(pieces->size(), 301u);
  EXPECT_EQ((*pieces)[0], "");
  EXPECT_EQ((*pieces)[1], std::string(1, '\0'));
  EXPECT_EQ((*pieces)[257], "a b");
  EXPECT_EQ((*pieces)[258], "");
  EXPECT_EQ((*pieces)[300], "'\xc2\x80");
}

TEST(WorldVocabularyTest, LineEndsMayBeCrLfAndTheLastOneMissing) {
  const auto lf = ParseWorldVocabulary(SingleBytes("\n"), "v");
  ASSERT_TRUE(lf.ok()) << lf.status();
  for (const std::string line_end : {"\n", "\r\n"}) {
    const std::string text = SingleBytes(line_end);
    const size_t bytes = text.size() - line_end.size();
    for (const auto& same : {text, text.substr(0, bytes)}) {
      const auto pieces = ParseWorldVocabulary(same, "v");
      ASSERT_TRUE(pieces.ok()) << pieces.status();
      EXPECT_EQ(*pieces, *lf);
    }
  }
  // Behind the last line, not inside it: a piece may end in \r.
  const auto literal = ParseWorldVocabulary(
      absl::StrCat(SingleBytes(), "257 'a\\r' 2\r\n"), "v");
  ASSERT_TRUE(literal.ok()) << literal.status();
  EXPECT_EQ((*literal)[257], "a\r");
}

struct BadLine {
  const char* name;
  std::string line;
  const char* message;
};

class BadLineTest : public testing::TestWithParam<BadLine> {};

TEST_P(BadLineTest, IsNamedByFileLineAndFault) {
  const auto pieces = ParseWorldVocabulary(
      absl::StrCat(SingleBytes(), GetParam().line, "\n"), "some.txt");
  EXPECT_EQ(pieces.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(pieces.status().message()),
              HasSubstr(absl::StrCat("some.txt:257: ", GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Lines, BadLineTest,
    testing::Values(
        BadLine{"Empty", "", "want ID LITERAL LENGTH"},
        BadLine{"OneWord", "257", "want ID LITERAL LENGTH"},
        BadLine{"TwoWords", "257 'ab'", "want ID LITERAL LENGTH"},
        BadLine{"IdOfLetters", "x 'ab' 2", "the id is not a number"},
        BadLine{"IdWithSign", "+257 'ab' 2", "the id is not a number"},
        BadLine{"IdNegative", "-1 'ab' 2", "the id is not a number"},
        BadLine{"IdMissing", " 'ab' 2", "the id is not a number"},
        BadLine{"IdPastLimit", "1048576 'ab' 2", "id 1048576 is past"},
        BadLine{"IdHuge", "99999999999999999999 'ab' 2", "the id is not"},
        BadLine{"LengthOfLetters", "257 'ab' two", "the length is not"},
        BadLine{"LengthMissing", "257 'ab' ", "the length is not"},
        BadLine{"LengthNegative", "257 'ab' -2", "the length is not"},
        BadLine{"LengthWrong", "257 'ab' 3", "the piece has 2 bytes, the line"},
        BadLine{"LengthInCharacters", "257 '\\u4f60' 1", "the piece has 3"},
        BadLine{"NoQuotes", "257 ab 2", "no Python literal"},
        BadLine{"BadEscape", "257 '\\q' 1", "an unknown escape"},
        BadLine{"NotUtf8", "257 '\xff\xff' 2", "text that is not UTF-8"},
        BadLine{"IdTwice", "256 'ab' 2", "id 256 is there twice"},
        BadLine{"PieceTwice", "257 'a' 1", "the piece is there twice"},
        BadLine{"PieceEmpty", "257 '' 0", "a piece of 0 bytes"},
        BadLine{"PieceLong", "257 '" + std::string(1025, 'a') + "' 1025",
                "a piece of 1025 bytes"},
        BadLine{"ZeroByte", std::string("257 'a\0' 2", 10),
                "a control character"}),
    [](const auto& info) { return info.param.name; });

TEST(WorldVocabularyTest, WantsEverySingleByte) {
  std::string text = SingleBytes();
  text.erase(text.find("66 b'\\x41' 1\n"), 13);
  const auto pieces = ParseWorldVocabulary(text, "v");
  EXPECT_EQ(pieces.status().message(), "v: no piece for the single byte 0x41");
  EXPECT_FALSE(ParseWorldVocabulary("", "v").ok());
}

}  // namespace
}  // namespace oxbow
