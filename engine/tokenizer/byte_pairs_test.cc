#include "engine/tokenizer/byte_pairs.h"

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::ElementsAre;

// id = byte, then the merges: each the two pieces that become one.
BpeSpec SpecOf(const std::vector<std::pair<std::string, std::string>>& merges) {
  BpeSpec spec;
  for (int byte = 0; byte < 256; ++byte) {
    spec.byte_ids[byte] = byte;
    spec.pieces.push_back(std::string(1, static_cast<char>(byte)));
  }
  const auto id_of = [&](const std::string& piece) {
    for (size_t id = 0; id < spec.pieces.size(); ++id) {
      if (spec.pieces[id] == piece) return static_cast<int>(id);
    }
    spec.pieces.push_back(piece);
    return static_cast<int>(spec.pieces.size()) - 1;
  };
  for (const auto& [left, right] : merges) {
    spec.merges.push_back({id_of(left), id_of(right), id_of(left + right)});
  }
  return spec;
}

std::vector<std::string> Cut(const BpeSpec& spec, const std::string& word) {
  std::vector<TextToken> tokens;
  BytePairs(spec).Encode(word, 0, &tokens);
  std::vector<std::string> pieces;
  int begin = 0;
  for (const TextToken& token : tokens) {
    pieces.push_back(word.substr(begin, token.end - begin));
    EXPECT_EQ(spec.pieces[token.id], pieces.back());
    begin = token.end;
  }
  EXPECT_EQ(begin, static_cast<int>(word.size()));
  return pieces;
}

TEST(BytePairsTest, TheLowestRankComesFirst) {
  const BpeSpec spec = SpecOf({{"b", "c"}, {"a", "b"}, {"bc", "d"}});
  EXPECT_THAT(Cut(spec, "abcd"), ElementsAre("a", "bcd"));
  EXPECT_THAT(Cut(spec, "abd"), ElementsAre("ab", "d"));
}

TEST(BytePairsTest, TheLeftmostOfOneRankComesFirst) {
  const BpeSpec spec = SpecOf({{"a", "a"}, {"aa", "a"}});
  EXPECT_THAT(Cut(spec, "aaa"), ElementsAre("aaa"));
  EXPECT_THAT(Cut(spec, "aaaa"), ElementsAre("aa", "aa"));
  EXPECT_THAT(Cut(spec, "aaaaa"), ElementsAre("aa", "aaa"));
}

TEST(BytePairsTest, ATokenItsOwnMergesDoNotReachIsNotTaken) {
  // "abc" is in the vocabulary, but "bc" is merged before "ab" can be.
  const BpeSpec spec = SpecOf({{"b", "c"}, {"a", "b"}, {"ab", "c"}});
  EXPECT_THAT(Cut(spec, "abc"), ElementsAre("a", "bc"));
}

TEST(BytePairsTest, EndsCountFromTheBegin) {
  std::vector<TextToken> tokens;
  BytePairs(SpecOf({{"a", "b"}})).Encode("abc", 10, &tokens);
  EXPECT_THAT(tokens, ElementsAre(TextToken{256, 12}, TextToken{'c', 13}));
}

// The definition, step by step.
std::vector<std::string> CutPlainly(const BpeSpec& spec,
                                    const std::string& word) {
  std::vector<std::string> pieces;
  for (char c : word) pieces.push_back(std::string(1, c));
  while (true) {
    size_t best = spec.merges.size(), place = 0;
    for (size_t i = 0; i + 1 < pieces.size(); ++i) {
      for (size_t rank = 0; rank < best; ++rank) {
        const BpeSpec::Merge& merge = spec.merges[rank];
        if (spec.pieces[merge.left] == pieces[i] &&
            spec.pieces[merge.right] == pieces[i + 1]) {
          best = rank;
          place = i;
        }
      }
    }
    if (best == spec.merges.size()) return pieces;
    pieces[place] += pieces[place + 1];
    pieces.erase(pieces.begin() + place + 1);
  }
}

TEST(BytePairsTest, AgreesWithTheDefinition) {
  std::mt19937 random(1);
  const auto text = [&](int bytes) {
    std::string letters;
    for (int i = 0; i < bytes; ++i) letters.push_back("abc"[random() % 3]);
    return letters;
  };
  for (int round = 0; round < 100; ++round) {
    std::vector<std::string> known = {"a", "b", "c"};
    std::set<std::pair<std::string, std::string>> seen;
    std::vector<std::pair<std::string, std::string>> merges;
    for (int i = 0; i < 25; ++i) {
      const std::pair<std::string, std::string> merge = {
          known[random() % known.size()], known[random() % known.size()]};
      if (!seen.insert(merge).second) continue;
      merges.push_back(merge);
      known.push_back(merge.first + merge.second);
    }
    const BpeSpec spec = SpecOf(merges);
    for (int i = 0; i < 50; ++i) {
      const std::string word = text(1 + random() % 30);
      ASSERT_EQ(Cut(spec, word), CutPlainly(spec, word)) << word;
    }
  }
}

TEST(BytePairsTest, LongWordsTakeNoSquareOfTime) {
  const BpeSpec spec = SpecOf({{"a", "a"}, {"aa", "aa"}, {"aaaa", "aaaa"}});
  const BytePairs pairs(spec);
  std::vector<TextToken> tokens;
  pairs.Encode(std::string(1 << 20, 'a'), 0, &tokens);
  EXPECT_EQ(tokens.size(), size_t{1} << 17);
}

}  // namespace
}  // namespace oxbow
