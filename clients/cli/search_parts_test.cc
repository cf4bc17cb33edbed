// What search is made of: the full-text index and the fusion of scores.
#include <cmath>
#include <string>

#include "clients/cli/fuse_scores.h"
#include "clients/cli/lexical_index.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::UnorderedElementsAre;

class LexicalIndexTest : public testing::Test {
 protected:
  LexicalIndexTest() : index_(*LexicalIndex::Make()) {
    const std::string texts[] = {
        "The river left its old bed behind.",
        "An oxbow is a lake that a river leaves behind.",
        "Nothing here about water, caf\xc3\xa9 talk only.",
        std::string("binary \x00\x01 noise", 15),
    };
    int row = 0;
    for (const std::string& text : texts) {
      EXPECT_TRUE(index_->Add(row++, text).ok());
    }
  }
  std::map<int64_t, double> Find(const std::string& query) {
    const auto found = index_->Search(query);
    EXPECT_TRUE(found.ok()) << found.status();
    return *found;
  }
  std::unique_ptr<LexicalIndex> index_;
};

TEST_F(LexicalIndexTest, FindsAnyWordByStemAndWithoutAccents) {
  EXPECT_THAT(Find("rivers"), UnorderedElementsAre(Key(0), Key(1)));
  EXPECT_THAT(Find("oxbow cafe"), UnorderedElementsAre(Key(1), Key(2)));
  EXPECT_THAT(Find("mountain"), IsEmpty());
}

TEST_F(LexicalIndexTest, MoreAndRarerWordsAreBetter) {
  const auto found = Find("oxbow lake river");
  EXPECT_GT(found.at(1), found.at(0));
}

// FTS5 has a query language; a user's words must never be of it.
TEST_F(LexicalIndexTest, NothingInAQueryIsAnOperator) {
  for (const char* query :
       {"river AND", "\"", "\"\"\"", "NEAR(", "text: river", "*", "^river",
        "(river", "river) OR (", "- -- +", "\xff\xfe", "a\"b\"c", "{x y}: z"}) {
    EXPECT_TRUE(index_->Search(query).ok()) << query;
  }
  EXPECT_THAT(Find(""), IsEmpty());
  EXPECT_THAT(Find(" \n "), IsEmpty());
  EXPECT_THAT(Find(std::string(1 << 16, 'x') + " river"),
              UnorderedElementsAre(Key(0), Key(1)));
}

TEST(FuseScoresTest, CosineOfKnownVectors) {
  EXPECT_DOUBLE_EQ(Cosine({3, 4}, {6, 8}), 1);
  EXPECT_DOUBLE_EQ(Cosine({1, 0}, {0, 5}), 0);
  EXPECT_DOUBLE_EQ(Cosine({1, 2}, {-1, -2}), -1);
  EXPECT_EQ(Cosine({0, 0}, {1, 2}), 0);
  EXPECT_EQ(Cosine({1}, {1, 2}), 0);
}

TEST(FuseScoresTest, ZScoresHaveMeanZeroAndDeviationOne) {
  const std::vector<double> z = ToZScores({1, 2, 3, 4});
  double sum = 0, squares = 0;
  for (const double value : z) {
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum, 0, 1e-12);
  EXPECT_NEAR(squares / z.size(), 1, 1e-12);
  EXPECT_THAT(ToZScores({5, 5, 5}), ElementsAre(0, 0, 0));
  EXPECT_THAT(ToZScores({}), IsEmpty());
}

TEST(FuseScoresTest, ASpanGoodAtBothWinsWhateverTheUnits) {
  // Cosines differ by hundredths, BM25 by units.
  const std::vector<double> fused =
      FuseScores({0.90, 0.91, 0.93, 0.90}, {0.0, 7.0, 6.5, 0.0});
  EXPECT_EQ(std::max_element(fused.begin(), fused.end()) - fused.begin(), 2);
}

}  // namespace
}  // namespace oxbow::cli
