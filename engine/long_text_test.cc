#include "engine/long_text.h"

#include <numeric>

#include "engine/error_reason.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
constexpr int kEnd = -1;

std::vector<int> Text(int count) {
  std::vector<int> ids(count);
  std::iota(ids.begin(), ids.end(), 1);
  return ids;
}

LongText Of(int context, int chunk) {
  LongText long_text;
  long_text.context_tokens = context;
  long_text.chunk_tokens = chunk;
  return long_text;
}

std::vector<int> Probed(int count, int context, int chunk) {
  return ProbeLongText(Text(count), Of(context, chunk), kEnd).tokens;
}

TEST(LongTextTest, AShortTextIsReadAgainAndAgain) {
  EXPECT_THAT(Probed(2, 9, 3), ElementsAre(1, 2, -1, 1, 2, -1, 1, 2, -1));
  EXPECT_THAT(Probed(0, 9, 3), ElementsAre(-1, -1, -1));
  EXPECT_THAT(Probed(3, 5, 4), ElementsAre(1, 2, 3, -1));
}

TEST(LongTextTest, OneOfAContextIsCut) {
  EXPECT_THAT(Probed(3, 9, 3), ElementsAre(1, -1, 2, -1, 3, -1));
  EXPECT_THAT(Probed(5, 9, 3), ElementsAre(1, 2, -1, 3, 4, -1, 5, -1));
  // ceil(5 / 4) = 2: nothing is left for the last.
  EXPECT_THAT(Probed(5, 12, 3), ElementsAre(1, 2, -1, 3, 4, -1, 5, -1, -1));
  EXPECT_THAT(Probed(6, 9, 3), ElementsAre(1, 2, -1, 3, 4, -1, 5, 6, -1));
}

TEST(LongTextTest, ALongerOneIsCutIntoContextsFirst) {
  // 7 > 9 - 3, and still one context.
  EXPECT_THAT(Probed(7, 9, 3), ElementsAre(1, 2, 3, -1, 4, 5, 6, -1, 7, -1));
  // 11 in two parts of 6 and 5.
  EXPECT_THAT(Probed(11, 9, 3), ElementsAre(1, 2, -1, 3, 4, -1, 5, 6, -1,  //
                                            7, 8, -1, 9, 10, -1, 11, -1));
}

TEST(LongTextTest, EightContextsAreTaken) {
  const std::vector<int> most = Probed(72, 9, 3);
  EXPECT_EQ(most.size(), 72u + 24u);
  EXPECT_EQ(Probed(73, 9, 3), most);
  EXPECT_EQ(Probed(100000, 9, 3), most);
}

TEST(LongTextTest, EndsSayWhereTheyStand) {
  // Also where the text has such tokens of its own.
  const ProbedText text = ProbeLongText({4, kEnd, 5}, Of(9, 4), kEnd);
  EXPECT_THAT(text.tokens, ElementsAre(4, -1, 5, -1, 4, -1, 5, -1));
  EXPECT_THAT(text.ends, ElementsAre(3, 7));
}

TEST(LongTextTest, RangesAreChecked) {
  EXPECT_TRUE(CheckLongText(LongText()).ok());
  EXPECT_TRUE(CheckLongText(Of(1, 1)).ok());
  EXPECT_TRUE(CheckLongText(Of(65536, 256)).ok());
  for (const LongText& bad : {Of(0, 0), Of(4, 0), Of(4, 5), Of(65537, 512),
                              Of(-1, -1), Of(65536, 255)}) {
    EXPECT_EQ(ReasonOf(CheckLongText(bad)), "BAD_COUNT")
        << bad.context_tokens << " " << bad.chunk_tokens;
  }
}

}  // namespace
}  // namespace oxbow
