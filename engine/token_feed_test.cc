#include "engine/token_feed.h"

#include <random>
#include <string>
#include <vector>

#include "engine/measure_record.h"
#include "engine/testing/piece_tokenizer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/random_text.h"

namespace oxbow {

bool operator==(const FedToken& a, const FedToken& b) {
  return a.id == b.id && a.end == b.end;
}
void PrintTo(const FedToken& token, std::ostream* out) {
  *out << "{id " << token.id << " to byte " << token.end.byte_offset << "+"
       << token.end.zero_byte_tokens << "}";
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class TokenFeedTest : public testing::Test {
 protected:
  int Id(const std::string& piece) const { return tokenizer_.IdOf(piece); }
  std::vector<FedToken> TakeAll() { return feed_.Take(feed_.decided().size()); }

  const PieceTokenizer tokenizer_{
      {"ab", "abcd", "cd", "aaa", "\n\n", "bcab", "\xc3\xa9", "  ", "cab"}};
  TokenFeed feed_{&tokenizer_, Position{}};
};

TEST_F(TokenFeedTest, BytesThatMayGrowStayUndecided) {
  feed_.AddText("abc");
  EXPECT_THAT(TakeAll(), IsEmpty());
  EXPECT_EQ(feed_.undecided(), "abc");
  feed_.AddText("x");
  EXPECT_THAT(TakeAll(),
              ElementsAre(FedToken{Id("ab"), {2, 0}}, FedToken{Id("c"), {3, 0}},
                          FedToken{Id("x"), {4, 0}}));
  EXPECT_EQ(feed_.undecided(), "");
}

TEST_F(TokenFeedTest, ALongerPieceWins) {
  feed_.AddText("ab");
  feed_.AddText("cd");
  EXPECT_THAT(TakeAll(), ElementsAre(FedToken{Id("abcd"), {4, 0}}));
}

TEST_F(TokenFeedTest, ASeamEndsTheText) {
  feed_.AddText("abc");
  feed_.AddSeam();
  feed_.AddText("dx");
  EXPECT_THAT(
      TakeAll(),
      ElementsAre(FedToken{Id("ab"), {2, 0}}, FedToken{Id("c"), {3, 0}},
                  FedToken{Id("d"), {4, 0}}, FedToken{Id("x"), {5, 0}}));
}

TEST_F(TokenFeedTest, TheLeadIsTokenizedTogetherWithTheText) {
  feed_ = TokenFeed(&tokenizer_, Position{}, "x ab");
  EXPECT_THAT(feed_.TakeLead(), ElementsAre(Id("x"), Id(" ")));
  EXPECT_TRUE(feed_.in_lead());
  EXPECT_FALSE(feed_.closed());
  EXPECT_EQ(feed_.undecided(), "");
  feed_.AddText("c");
  EXPECT_EQ(feed_.undecided(), "c");
  EXPECT_EQ(feed_.end(), (Position{1, 0}));
  feed_.AddText("dx");
  EXPECT_THAT(feed_.lead(), IsEmpty());
  EXPECT_FALSE(feed_.in_lead());
  // "abcd" ends in the text, where "cd" would.
  EXPECT_THAT(TakeAll(), ElementsAre(FedToken{Id("abcd"), {2, 0}},
                                     FedToken{Id("x"), {3, 0}}));
}

TEST_F(TokenFeedTest, ASeamEndsTheLead) {
  feed_ = TokenFeed(&tokenizer_, Position{9, 0}, "ab");
  EXPECT_THAT(feed_.lead(), IsEmpty());
  feed_.AddSeam();
  EXPECT_THAT(feed_.TakeLead(), ElementsAre(Id("ab")));
  EXPECT_TRUE(feed_.closed());
  feed_.AddIds({Id("cd")});
  EXPECT_THAT(TakeAll(), ElementsAre(FedToken{Id("cd"), {11, 0}}));
}

TEST_F(TokenFeedTest, LeadAndTextAreTheTokensOfBoth) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 2000; ++round) {
    const std::string lead = RandomText(1 + random() % 12, &random);
    const std::string text = RandomText(random() % 12, &random);
    TokenFeed whole(&tokenizer_, Position{});
    whole.AddText(lead + text);
    whole.AddSeam();
    TokenFeed feed(&tokenizer_, Position{}, lead);
    for (char byte : text) feed.AddText(std::string(1, byte));
    feed.AddSeam();
    std::vector<int> ids = feed.TakeLead();
    const size_t leading = ids.size();
    for (const FedToken& token : feed.decided()) ids.push_back(token.id);
    ASSERT_EQ(ids.size(), whole.decided().size());
    for (size_t i = 0; i < ids.size(); ++i) {
      const FedToken& want = whole.decided()[i];
      EXPECT_EQ(ids[i], want.id);
      EXPECT_EQ(i < leading, want.end.byte_offset <= lead.size());
      if (i < leading) continue;
      EXPECT_EQ(feed.decided()[i - leading].end.byte_offset + lead.size(),
                want.end.byte_offset);
    }
  }
}

TEST_F(TokenFeedTest, ASeamWhereNothingIsOpenDoesNothing) {
  feed_.AddSeam();
  feed_.AddText("x");
  feed_.AddSeam();
  feed_.AddSeam();
  EXPECT_THAT(TakeAll(), ElementsAre(FedToken{Id("x"), {1, 0}}));
}

TEST_F(TokenFeedTest, IdsPassAsGivenBehindASeam) {
  feed_.AddText("a");
  feed_.AddIds({Id("b"), Id("abcd")});
  feed_.AddText("x");
  EXPECT_THAT(
      TakeAll(),
      ElementsAre(FedToken{Id("a"), {1, 0}}, FedToken{Id("b"), {2, 0}},
                  FedToken{Id("abcd"), {6, 0}}, FedToken{Id("x"), {7, 0}}));
}

TEST_F(TokenFeedTest, NoIdsAreStillASeam) {
  feed_.AddText("a");
  feed_.AddIds({});
  feed_.AddText("b");
  feed_.AddSeam();
  EXPECT_THAT(TakeAll(), ElementsAre(FedToken{Id("a"), {1, 0}},
                                     FedToken{Id("b"), {2, 0}}));
}

TEST_F(TokenFeedTest, IdsOfNoBytesAreCountedWhereTheyStand) {
  feed_.AddIds({0, tokenizer_.control_id()});
  EXPECT_EQ(feed_.end(), (Position{0, 2}));
  feed_.AddText("x");
  EXPECT_EQ(feed_.end(), (Position{1, 0}));
  feed_.AddIds({0, Id("ab"), 0, 0});
  EXPECT_EQ(feed_.end(), (Position{3, 2}));
  EXPECT_THAT(TakeAll(),
              ElementsAre(FedToken{0, {0, 1}},
                          FedToken{tokenizer_.control_id(), {0, 2}},
                          FedToken{Id("x"), {1, 0}}, FedToken{0, {1, 1}},
                          FedToken{Id("ab"), {3, 0}}, FedToken{0, {3, 1}},
                          FedToken{0, {3, 2}}));
}

TEST_F(TokenFeedTest, ItBeginsWhereItIsTold) {
  TokenFeed feed(&tokenizer_, Position{100, 3});
  EXPECT_EQ(feed.end(), (Position{100, 3}));
  feed.AddIds({0});
  feed.AddText("xab");
  EXPECT_EQ(feed.end(), (Position{103, 0}));
  EXPECT_THAT(feed.decided(),
              ElementsAre(FedToken{0, {100, 4}}, FedToken{Id("x"), {101, 0}}));
}

TEST_F(TokenFeedTest, EmptyTextChangesNothing) {
  TokenFeed feed(&tokenizer_, Position{5, 2});
  feed.AddText("");
  EXPECT_EQ(feed.end(), (Position{5, 2}));
}

TEST_F(TokenFeedTest, TakeGivesTheFirstAndKeepsTheRest) {
  feed_.AddText("xyz");
  EXPECT_THAT(feed_.Take(2), ElementsAre(FedToken{Id("x"), {1, 0}},
                                         FedToken{Id("y"), {2, 0}}));
  EXPECT_THAT(feed_.Take(5), ElementsAre(FedToken{Id("z"), {3, 0}}));
}

TEST_F(TokenFeedTest, ACopyIsAStreamOfItsOwn) {
  feed_.AddText("abc");
  TokenFeed copy = feed_;
  copy.AddSeam();
  EXPECT_EQ(copy.undecided(), "");
  EXPECT_EQ(feed_.undecided(), "abc");
  feed_.AddText("d");
  EXPECT_THAT(TakeAll(), ElementsAre(FedToken{Id("abcd"), {4, 0}}));
}

// What the log says, once: text cut anywhere, ids cut anywhere between two.
struct Event {
  enum class Kind { kText, kIds, kSeam } kind;
  std::string text;
  std::vector<int> ids;
};

class RandomFeedTest : public TokenFeedTest {
 protected:
  std::vector<Event> RandomLog() {
    std::vector<Event> log;
    for (int i = random_() % 8; i >= 0; --i) {
      switch (random_() % 5) {
        case 0: {
          std::vector<int> ids;
          for (int n = random_() % 5; n >= 0; --n) {
            ids.push_back(random_() % 3 == 0 ? 0 : 97 + random_() % 168);
          }
          log.push_back({Event::Kind::kIds, "", ids});
          break;
        }
        case 1:
          log.push_back({Event::Kind::kSeam, "", {}});
          break;
        default:
          log.push_back({Event::Kind::kText, RandomWords(), {}});
      }
    }
    return log;
  }

  std::string RandomWords() {
    std::string text = RandomText(1 + random_() % 80, &random_);
    for (char& byte : text) {
      if (random_() % 8 == 0) byte = 'd';
    }
    return text;
  }

  // The definition: whole texts between seams, greedily.
  std::vector<FedToken> Reference(const std::vector<Event>& log) {
    std::vector<FedToken> tokens;
    Position at;
    std::string text;
    const auto end_text = [&]() {
      for (int id : Tokenize(tokenizer_, text)) {
        at = AfterId(tokenizer_, at, id);
        tokens.push_back({id, at});
      }
      text.clear();
    };
    for (const Event& event : log) {
      if (event.kind != Event::Kind::kText) end_text();
      text += event.text;
      for (int id : event.ids) {
        at = AfterId(tokenizer_, at, id);
        tokens.push_back({id, at});
      }
    }
    end_text();
    return tokens;
  }

  void FeedCut(const Event& event, TokenFeed* feed) {
    size_t done = 0;
    switch (event.kind) {
      case Event::Kind::kSeam:
        return feed->AddSeam();
      case Event::Kind::kIds:
        while (done < event.ids.size()) {
          const size_t end = done + 1 + random_() % (event.ids.size() - done);
          feed->AddIds({event.ids.begin() + done, event.ids.begin() + end});
          done = end;
        }
        return;
      case Event::Kind::kText:
        for (size_t size : RandomCuts(event.text.size(), &random_)) {
          feed->AddText(absl::string_view(event.text).substr(done, size));
          done += size;
          EXPECT_LT(static_cast<int>(feed->undecided().size()),
                    tokenizer_.longest_piece());
        }
    }
  }

  std::mt19937_64 random_{8128};
};

TEST_F(RandomFeedTest, TheSameLogGivesTheSameTokensHoweverCut) {
  for (int round = 0; round < 1000; ++round) {
    const std::vector<Event> log = RandomLog();
    TokenFeed feed(&tokenizer_, Position{});
    std::vector<FedToken> tokens;
    for (const Event& event : log) {
      FeedCut(event, &feed);
      for (const FedToken& token : feed.Take(random_() % 20)) {
        tokens.push_back(token);
      }
    }
    feed.AddSeam();
    for (const FedToken& token : feed.Take(feed.decided().size())) {
      tokens.push_back(token);
    }
    ASSERT_EQ(tokens, Reference(log)) << "round " << round;
    if (!tokens.empty()) {
      ASSERT_EQ(feed.end(), tokens.back().end);
    }
  }
}

// Decided means decided: whatever comes, these tokens stand.
TEST_F(RandomFeedTest, WhatFollowsNeverChangesADecidedToken) {
  for (int round = 0; round < 1000; ++round) {
    const std::string text = RandomWords();
    TokenFeed feed(&tokenizer_, Position{});
    feed.AddText(text);
    const std::vector<int> ids = Tokenize(tokenizer_, text + RandomWords());
    size_t i = 0;
    for (const FedToken& token : feed.decided()) {
      ASSERT_EQ(token.id, ids[i++]) << "round " << round;
    }
  }
}

TEST(MeasureRecordTest, TextIsItsBytes) {
  const PieceTokenizer tokenizer({"ab"});
  LogRecord record;
  record.text = "hello";
  MeasureRecord(tokenizer, &record);
  EXPECT_EQ(record.byte_length, 5u);
  EXPECT_EQ(record.zero_byte_tokens_at_end, 0u);
}

TEST(MeasureRecordTest, OnlyIdsOfNoBytesAtTheEndAreCounted) {
  const PieceTokenizer tokenizer({"ab"});
  LogRecord record;
  record.kind = LogRecord::Kind::kTokens;
  record.ids = {0, tokenizer.IdOf("ab"), 0, 0};
  MeasureRecord(tokenizer, &record);
  EXPECT_EQ(record.byte_length, 2u);
  EXPECT_EQ(record.zero_byte_tokens_at_end, 2u);
}

}  // namespace
}  // namespace oxbow
