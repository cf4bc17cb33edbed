#include "engine/branch.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "engine/testing/piece_tokenizer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class BranchTest : public testing::Test {
 protected:
  BranchTest() {
    request_.sampling.temperature = 0;
    request_.tokens_max = 100;
  }

  void Begin() {
    branch_ = std::make_unique<Branch>(&request_, &tokenizer_, 0, 0);
    told_.clear();
  }

  int Id(const std::string& piece) const { return tokenizer_.IdOf(piece); }

  // Lets the branch draw `id`, and hears what it tells.
  void Draw(int id) {
    ASSERT_FALSE(branch_->finished());
    std::vector<float> logits(tokenizer_.id_end(), 0.0f);
    logits[id] = 10;
    EXPECT_EQ(branch_->Draw(logits), id);
    for (const GeneratedToken& token : branch_->TakeTold()) {
      EXPECT_EQ(token.index, static_cast<int>(told_.size()));
      EXPECT_EQ(token.bytes, tokenizer_.Piece(token.id));
      told_.push_back(token.bytes);
    }
  }
  void Draw(const std::string& piece) { Draw(Id(piece)); }

  const PieceTokenizer tokenizer_{{"ab", "abc", "ca", "bb", "User", ":\n"}};
  GenerateRequest request_;
  std::unique_ptr<Branch> branch_;
  std::vector<std::string> told_;
};

TEST_F(BranchTest, EndsAtTheLengthAskedFor) {
  request_.tokens_max = 3;
  Begin();
  Draw("a");
  Draw("b");
  EXPECT_FALSE(branch_->finished());
  Draw("ab");
  ASSERT_TRUE(branch_->finished());
  EXPECT_EQ(branch_->reason(), FinishReason::kLength);
  EXPECT_EQ(branch_->text(), "abab");
  EXPECT_THAT(branch_->ids(), ElementsAre(Id("a"), Id("b"), Id("ab")));
  EXPECT_THAT(told_, ElementsAre("a", "b", "ab"));
}

TEST_F(BranchTest, TheEndOfADocumentEndsItAndIsNotKept) {
  Begin();
  Draw("a");
  Draw(0);
  ASSERT_TRUE(branch_->finished());
  EXPECT_EQ(branch_->reason(), FinishReason::kEndOfDocument);
  EXPECT_THAT(branch_->ids(), ElementsAre(Id("a")));
  EXPECT_THAT(told_, ElementsAre("a"));
}

TEST_F(BranchTest, TheEndOfADocumentIsATokenLikeAnyIfIgnored) {
  request_.ignore_end_of_document = true;
  Begin();
  Draw(0);
  Draw("a");
  EXPECT_FALSE(branch_->finished());
  EXPECT_THAT(branch_->ids(), ElementsAre(0, Id("a")));
  EXPECT_THAT(told_, ElementsAre("", "a"));
}

TEST_F(BranchTest, AStopTokenEndsItAndIsNotKept) {
  request_.stop_ids = {Id("bb"), 0};
  Begin();
  Draw("a");
  Draw("bb");
  ASSERT_TRUE(branch_->finished());
  EXPECT_EQ(branch_->reason(), FinishReason::kStopToken);
  EXPECT_THAT(branch_->ids(), ElementsAre(Id("a")));
  EXPECT_EQ(branch_->text(), "a");
}

TEST_F(BranchTest, AStopTokenComesBeforeTheEndOfADocument) {
  request_.stop_ids = {0};
  request_.ignore_end_of_document = true;
  Begin();
  Draw(0);
  ASSERT_TRUE(branch_->finished());
  EXPECT_EQ(branch_->reason(), FinishReason::kStopToken);
}

TEST_F(BranchTest, AStopTextInsideAToken) {
  request_.stops = {"b"};
  Begin();
  Draw("ca");
  Draw("abc");
  ASSERT_TRUE(branch_->finished());
  EXPECT_EQ(branch_->reason(), FinishReason::kStopText);
  EXPECT_EQ(branch_->text(), "caa") << "the text goes up to the stop";
  EXPECT_THAT(branch_->ids(), ElementsAre(Id("ca")))
      << "the token it starts in does not";
  EXPECT_THAT(told_, ElementsAre("ca"));
}

TEST_F(BranchTest, AStopTextAcrossTokensIsHeldBackFromItsFirstByte) {
  request_.stops = {"\n\nUser:"};
  Begin();
  Draw("a");
  Draw("\n");
  Draw("\n");
  EXPECT_THAT(told_, ElementsAre("a"));
  Draw("User");
  EXPECT_THAT(told_, ElementsAre("a"));
  Draw(":\n");
  ASSERT_TRUE(branch_->finished());
  EXPECT_EQ(branch_->text(), "a");
  EXPECT_THAT(branch_->ids(), ElementsAre(Id("a")));
  EXPECT_THAT(told_, ElementsAre("a"));
}

TEST_F(BranchTest, WhatWasHeldBackIsToldOnceItIsNoStop) {
  request_.stops = {"\n\nUser:"};
  Begin();
  Draw("\n");
  Draw("\n");
  EXPECT_THAT(told_, IsEmpty());
  Draw("\n");
  EXPECT_THAT(told_, ElementsAre("\n")) << "two newlines may yet begin it";
  Draw("x");
  EXPECT_THAT(told_, ElementsAre("\n", "\n", "\n", "x"));
}

TEST_F(BranchTest, WhatWasHeldBackIsToldAtTheEnd) {
  request_.stops = {"abX"};
  request_.tokens_max = 2;
  Begin();
  Draw("x");
  Draw("ab");
  ASSERT_TRUE(branch_->finished());
  EXPECT_EQ(branch_->reason(), FinishReason::kLength);
  EXPECT_THAT(told_, ElementsAre("x", "ab"));
  request_.tokens_max = 100;
  Begin();
  Draw("ab");
  EXPECT_THAT(told_, IsEmpty());
  Draw(0);
  EXPECT_EQ(branch_->reason(), FinishReason::kEndOfDocument);
  EXPECT_THAT(told_, ElementsAre("ab"));
}

TEST_F(BranchTest, TheFirstOfSeveralStopsCounts) {
  request_.stops = {"c", "bc"};
  Begin();
  Draw("abc");
  EXPECT_EQ(branch_->text(), "a");
}

TEST_F(BranchTest, AStopAndTheLastTokenTogetherAreAStop) {
  request_.stops = {"b"};
  request_.tokens_max = 1;
  Begin();
  Draw("b");
  EXPECT_EQ(branch_->reason(), FinishReason::kStopText);
  EXPECT_THAT(branch_->ids(), IsEmpty());
}

TEST_F(BranchTest, BranchesDrawApart) {
  request_.sampling = Sampling();
  request_.sampling.top_p = 1;
  const std::vector<float> logits(tokenizer_.id_end(), 0.0f);
  std::vector<std::vector<int>> drawn;
  for (int index : {0, 1, 0}) {
    Branch branch(&request_, &tokenizer_, index, 7);
    for (int i = 0; i < 10; ++i) branch.Draw(logits);
    drawn.push_back(branch.ids());
  }
  EXPECT_NE(drawn[0], drawn[1]);
  EXPECT_EQ(drawn[0], drawn[2]);
}

// Token offsets count from the stream's beginning: the second token of a
// branch at 7 is drawn as the first one of a branch at 8.
TEST_F(BranchTest, ATokensDrawDependsOnItsPlaceAlone) {
  request_.sampling = Sampling();
  request_.sampling.top_p = 1;
  const std::vector<float> logits(tokenizer_.id_end(), 0.0f);
  Branch at7(&request_, &tokenizer_, 0, 7);
  Branch at8(&request_, &tokenizer_, 0, 8);
  at7.Draw(logits);
  EXPECT_EQ(at7.Draw(logits), at8.Draw(logits));
}

class RandomBranchTest : public BranchTest {
 protected:
  std::string RandomStop() {
    std::string stop;
    for (int i = random_() % 5; i >= 0; --i) stop += "abc"[random_() % 3];
    return stop;
  }

  size_t FirstStop(const std::string& text) const {
    size_t first = std::string::npos;
    for (const std::string& stop : request_.stops) {
      first = std::min(first, text.find(stop));
    }
    return first;
  }

  // How much of the text's end may begin a stop.
  size_t OpenBytes(const std::string& text) const {
    size_t open = 0;
    for (const std::string& stop : request_.stops) {
      for (size_t n = 1; n < stop.size() && n <= text.size(); ++n) {
        if (text.substr(text.size() - n) == stop.substr(0, n)) {
          open = std::max(open, n);
        }
      }
    }
    return open;
  }

  // The pieces that end at or before `end`.
  static std::vector<std::string> UpTo(const std::vector<std::string>& drawn,
                                       size_t end) {
    std::vector<std::string> pieces;
    size_t at = 0;
    for (const std::string& piece : drawn) {
      at += piece.size();
      if (at > end) break;
      pieces.push_back(piece);
    }
    return pieces;
  }

  std::mt19937_64 random_{271828};
};

TEST_F(RandomBranchTest, TellsAllThatIsClearAndNothingElse) {
  const std::vector<std::string> pieces = {"a", "b", "c", "ab", "abc", "ca"};
  int stopped = 0;
  for (int round = 0; round < 2000; ++round) {
    request_.stops.clear();
    for (int i = random_() % 3; i >= 0; --i) {
      request_.stops.push_back(RandomStop());
    }
    Begin();
    std::string text;
    std::vector<std::string> drawn;
    while (!branch_->finished() && drawn.size() < 30) {
      drawn.push_back(pieces[random_() % pieces.size()]);
      text += drawn.back();
      ASSERT_NO_FATAL_FAILURE(Draw(drawn.back()));
      const size_t first = FirstStop(text);
      ASSERT_EQ(branch_->finished(), first != std::string::npos) << text;
      const size_t clear =
          branch_->finished() ? first : text.size() - OpenBytes(text);
      ASSERT_EQ(told_, UpTo(drawn, clear)) << text << " round " << round;
      ASSERT_EQ(branch_->text(), text.substr(0, first));
    }
    if (!branch_->finished()) continue;
    ++stopped;
    ASSERT_EQ(branch_->ids().size(), told_.size());
  }
  EXPECT_GT(stopped, 500);
}

}  // namespace
}  // namespace oxbow
