#include "clients/bench/load_source.h"

#include <string>

#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace oxbow::bench {
namespace {

v1::Position At(int64_t byte) {
  v1::Position position;
  position.set_byte_offset(byte);
  return position;
}

TEST(LoadSourceTest, BeginsWithItsLineAndRepeatsTheCorpus) {
  LoadSource source("abc", "me", 8, absl::nullopt);
  const auto first = source.Next(At(100));
  ASSERT_TRUE(first.ok() && first->has_value());
  EXPECT_EQ((*first)->chunk.text(), "me\nabcab");
  EXPECT_EQ((*first)->chunk.position().byte_offset(), 100);
  EXPECT_EQ((*first)->end.byte_offset(), 108);
  const auto second = source.Next((*first)->end);
  ASSERT_TRUE(second.ok() && second->has_value());
  EXPECT_EQ((*second)->chunk.text(), "cabcabca");
}

TEST(LoadSourceTest, EndsAfterItsBytes) {
  LoadSource source("abcdef", "me", 4, 6);
  EXPECT_EQ((*source.Next(At(0)))->chunk.text(), "me\na");
  EXPECT_EQ((*source.Next(At(4)))->chunk.text(), "bc");
  EXPECT_FALSE(source.Next(At(6))->has_value());
}

TEST(LoadSourceTest, TellsOnceWhenADurableChunkWasTaken) {
  LoadSource source("abc", "me", 4, absl::nullopt);
  const absl::Time before = absl::Now();
  ASSERT_TRUE(source.Next(At(0)).ok());
  ASSERT_TRUE(source.Next(At(4)).ok());
  const absl::Time after = absl::Now();
  EXPECT_TRUE(source.TakeDurable(At(3)).empty());
  const std::vector<absl::Time> taken = source.TakeDurable(At(7));
  ASSERT_EQ(taken.size(), 1);
  EXPECT_GE(taken[0], before);
  EXPECT_LE(taken[0], after);
  EXPECT_EQ(source.TakeDurable(At(8)).size(), 1);
  EXPECT_TRUE(source.TakeDurable(At(8)).empty());
}

TEST(LoadSourceTest, RandomWordsAreWordsAndAlwaysTheSame) {
  const std::string words = RandomWords(10000);
  EXPECT_EQ(words.size(), 10000);
  EXPECT_EQ(words, RandomWords(10000));
  EXPECT_EQ(words.find_first_not_of("abcdefghijklmnopqrstuvwxyz .\n"),
            std::string::npos);
}

TEST(LoadSourceTest, EndsWhenItIsToldTo) {
  LoadSource source("abc", "x", 4, absl::nullopt);
  ASSERT_TRUE(source.Next(At(0))->has_value());
  source.End();
  EXPECT_FALSE(source.Next(At(4))->has_value());
}

}  // namespace
}  // namespace oxbow::bench
