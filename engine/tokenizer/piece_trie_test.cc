#include "engine/tokenizer/piece_trie.h"

#include <random>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace oxbow {
namespace {

TEST(PieceTrieTest, TakesTheLongest) {
  const PieceTrie trie({{"a", 1}, {"abc", 3}, {"b", 2}, {"\xff\xff", 9}});
  EXPECT_EQ(trie.Longest("abd").id, 1);
  EXPECT_EQ(trie.Longest("abd").bytes, 1u);
  EXPECT_FALSE(trie.Longest("abd").may_grow);
  EXPECT_EQ(trie.Longest("abcd").id, 3);
  EXPECT_EQ(trie.Longest("\xff\xff\xff").id, 9);
}

TEST(PieceTrieTest, KnowsWhenMoreBytesMatter) {
  const PieceTrie trie({{"a", 1}, {"abc", 3}, {"b", 2}});
  EXPECT_TRUE(trie.Longest("").may_grow);
  EXPECT_TRUE(trie.Longest("a").may_grow);
  EXPECT_TRUE(trie.Longest("ab").may_grow);
  EXPECT_FALSE(trie.Longest("abc").may_grow) << "nothing is longer";
  EXPECT_FALSE(trie.Longest("b").may_grow);
}

TEST(PieceTrieTest, MayMatchNothing) {
  const PieceTrie trie({{"abc", 3}});
  EXPECT_EQ(trie.Longest("x").bytes, 0u);
  EXPECT_EQ(trie.Longest("abx").bytes, 0u);
  EXPECT_EQ(trie.Longest("abx").id, -1);
  EXPECT_EQ(PieceTrie().Longest("abc").bytes, 0u);
  EXPECT_FALSE(PieceTrie().Longest("").may_grow);
}

// Against a search through all pieces.
TEST(PieceTrieTest, AgreesWithPlainSearch) {
  std::mt19937 random(1);
  const auto text = [&](int bytes) {
    std::string letters;
    for (int i = 0; i < bytes; ++i) letters.push_back("ab\x80\0"[random() % 4]);
    return letters;
  };
  std::set<std::string> pieces;
  while (pieces.size() < 100) pieces.insert(text(1 + random() % 6));
  std::vector<std::pair<absl::string_view, int>> entries;
  for (const std::string& piece : pieces) {
    entries.emplace_back(piece, static_cast<int>(entries.size()));
  }
  const PieceTrie trie(entries);
  for (int round = 0; round < 5000; ++round) {
    const std::string sample = text(random() % 9);
    size_t longest = 0;
    bool may_grow = false;
    int id = -1;
    for (const auto& [piece, piece_id] : entries) {
      if (piece.size() > sample.size()) {
        may_grow |= piece.substr(0, sample.size()) == sample;
      } else if (sample.compare(0, piece.size(), piece.data(), piece.size()) ==
                     0 &&
                 piece.size() > longest) {
        longest = piece.size();
        id = piece_id;
      }
    }
    const PieceTrie::Match match = trie.Longest(sample);
    ASSERT_EQ(match.bytes, longest);
    ASSERT_EQ(match.id, id);
    ASSERT_EQ(match.may_grow, may_grow);
  }
}

}  // namespace
}  // namespace oxbow
