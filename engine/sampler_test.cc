#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "engine/testing/piece_tokenizer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

constexpr float kBanned = -std::numeric_limits<float>::infinity();

// RWKV's order, step by step as it is told (BlinkDL's PIPELINE), for any
// number of tokens. Slow and plain: what Sampler is held against.
class ReferenceSampler {
 public:
  ReferenceSampler(const Sampling& sampling, const Tokenizer& tokenizer,
                   int branch)
      : sampling_(sampling), tokenizer_(tokenizer), branch_(branch) {}

  int Next(const std::vector<float>& logits, uint64_t position) {
    std::vector<double> p(logits.begin(), logits.end());
    for (const auto& [id, bias] : sampling_.logit_bias) p[id] += bias;
    for (const auto& [id, count] : occurrence_) {
      p[id] -= sampling_.presence_penalty;
      p[id] -= count * sampling_.frequency_penalty;
    }
    Softmax(&p);
    if (sampling_.temperature == 0 || sampling_.top_p == 0) {
      return Seen(std::max_element(p.begin(), p.end()) - p.begin());
    }
    CutTopP(&p);
    if (sampling_.top_k > 0) CutTopK(&p);
    for (double& each : p) each = std::pow(each, 1 / sampling_.temperature);
    return Seen(Draw(p, UniformAt(sampling_.seed, branch_, position)));
  }

 private:
  static void Softmax(std::vector<double>* p) {
    const double max = *std::max_element(p->begin(), p->end());
    double sum = 0;
    for (double& each : *p) sum += each = std::exp(each - max);
    for (double& each : *p) each /= sum;
  }

  void CutTopP(std::vector<double>* p) const {
    std::vector<double> falling = *p;
    std::sort(falling.rbegin(), falling.rend());
    size_t last = 0;
    double cumulative = falling[0];
    while (cumulative < sampling_.top_p && last + 1 < falling.size()) {
      cumulative += falling[++last];
    }
    for (double& each : *p) each = each < falling[last] ? 0 : each;
  }

  void CutTopK(std::vector<double>* p) const {
    std::vector<std::pair<double, int>> order;
    for (size_t i = 0; i < p->size(); ++i) order.push_back({-(*p)[i], i});
    std::sort(order.begin(), order.end());
    for (size_t i = sampling_.top_k; i < order.size(); ++i) {
      (*p)[order[i].second] = 0;
    }
  }

  static int Draw(const std::vector<double>& p, double uniform) {
    const double sum = std::accumulate(p.begin(), p.end(), 0.0);
    double cumulative = 0;
    for (size_t i = 0; i < p.size(); ++i) {
      cumulative += p[i] / sum;
      if (uniform < cumulative) return static_cast<int>(i);
    }
    return static_cast<int>(p.size()) - 1;
  }

  int Seen(int id) {
    for (auto& [seen, count] : occurrence_) count *= sampling_.penalty_decay;
    const std::set<std::string> recur = {" ", "\t", "0", "1", "2", "3",
                                         "4", "5",  "6", "7", "8", "9"};
    const bool recurs = recur.count(std::string(tokenizer_.Piece(id))) > 0;
    occurrence_[id] += recurs ? 0 : 1;
    return id;
  }

  const Sampling sampling_;
  const Tokenizer& tokenizer_;
  const int branch_;
  std::map<int, double> occurrence_;
};

class SamplerTest : public testing::Test {
 protected:
  static Sampling Greedy() {
    Sampling sampling;
    sampling.temperature = 0;
    return sampling;
  }

  Sampler Make(const Sampling& sampling, int top_logprobs = 0) {
    return Sampler(sampling, &tokenizer_, /*branch=*/0, top_logprobs);
  }

  // Every token that `draws` draws at different places give.
  std::set<int> Drawn(const Sampling& sampling,
                      const std::vector<float>& logits, int draws = 2000) {
    std::set<int> drawn;
    for (int position = 0; position < draws; ++position) {
      drawn.insert(Make(sampling).Next(logits, position).id);
    }
    return drawn;
  }

  std::vector<float> RandomLogits(double spread) {
    std::normal_distribution<float> normal(0, spread);
    std::vector<float> logits(tokenizer_.id_end());
    for (float& logit : logits) logit = normal(random_);
    return logits;
  }

  const PieceTokenizer tokenizer_{{"ab", " a", "12"}};
  std::mt19937_64 random_{1729};
};

TEST_F(SamplerTest, AgreesWithTheReference) {
  for (int round = 0; round < 300; ++round) {
    Sampling sampling;
    sampling.seed = random_();
    sampling.temperature = round % 7 == 0 ? 0 : 0.1f + random_() % 30 / 10.0f;
    sampling.top_p = round % 5 == 0 ? 1 : random_() % 100 / 100.0f;
    sampling.top_k = random_() % 3 == 0 ? random_() % 20 : 0;
    sampling.presence_penalty = random_() % 20 / 10.0f - 0.5f;
    sampling.frequency_penalty = random_() % 20 / 10.0f - 0.5f;
    sampling.penalty_decay = random_() % 101 / 100.0f;
    for (int i = random_() % 4; i > 0; --i) {
      sampling.logit_bias[random_() % tokenizer_.id_end()] =
          random_() % 2 == 0 ? kBanned : random_() % 9 - 4.0f;
    }
    const int branch = random_() % 4;
    Sampler sampler(sampling, &tokenizer_, branch, 0);
    ReferenceSampler reference(sampling, tokenizer_, branch);
    const std::vector<float> common = RandomLogits(2);
    for (int step = 0; step < 30; ++step) {
      std::vector<float> logits = RandomLogits(1);
      for (size_t i = 0; i < logits.size(); ++i) logits[i] += common[i];
      const uint64_t position = random_() >> (random_() % 64);
      ASSERT_EQ(sampler.Next(logits, position).id,
                reference.Next(logits, position))
          << "round " << round << " step " << step;
    }
  }
}

TEST_F(SamplerTest, GreedyTakesTheFirstOfTheLargest) {
  EXPECT_EQ(Make(Greedy()).Next({1, 3, 3, 2}, 0).id, 1);
  Sampling no_top_p;
  no_top_p.top_p = 0;
  EXPECT_EQ(Make(no_top_p).Next({1, 3, 3, 2}, 0).id, 1);
  Sampling one;
  one.top_k = 1;
  EXPECT_EQ(Drawn(one, {1, 3, 3, 2}), (std::set<int>{1}));
}

TEST_F(SamplerTest, WhatIsNotANumberIsSomeToken) {
  const std::vector<float> logits(5, std::nanf(""));
  EXPECT_LT(Make(Greedy()).Next(logits, 0).id, 5);
  EXPECT_LT(Make(Sampling()).Next(logits, 0).id, 5);
}

// Likely tokens are looked at first: a distribution so flat that they do not
// reach top_p is cut in the same place.
TEST_F(SamplerTest, TopPOfManyEquallyUnlikelyTokens) {
  std::vector<float> logits(3000, 0.0f);
  logits[7] = -1;
  Sampling sampling;
  sampling.top_p = 0.999f;
  std::set<int> drawn;
  for (int i = 0; i < 3000; ++i) {
    sampling.seed = i;
    drawn.insert(Make(sampling).Next(logits, 0).id);
  }
  EXPECT_EQ(drawn.count(7), 0u) << "below the cutoff";
  EXPECT_GT(drawn.size(), 1500u) << "ties stay";
}

TEST_F(SamplerTest, ABannedTokenNeverComes) {
  Sampling sampling;
  sampling.top_p = 1;
  sampling.logit_bias[1] = kBanned;
  EXPECT_EQ(Drawn(sampling, {0, 20, 0, 0}), (std::set<int>{0, 2, 3}));
  Sampling greedy = Greedy();
  greedy.logit_bias[1] = kBanned;
  EXPECT_EQ(Make(greedy).Next({0, 20, 0, 1}, 0).id, 3);
}

TEST_F(SamplerTest, TopPKeepsTheFewestThatReachIt) {
  Sampling sampling;
  sampling.top_p = 0.6f;
  // 0.5, 0.25, 0.125, 0.125.
  const float ln2 = std::log(2.0f);
  EXPECT_EQ(Drawn(sampling, {ln2, 0, 2 * ln2, 0}), (std::set<int>{0, 2}));
  sampling.top_p = 0.4f;
  EXPECT_EQ(Drawn(sampling, {ln2, 0, 2 * ln2, 0}), (std::set<int>{2}));
}

TEST_F(SamplerTest, TopPKeepsTies) {
  Sampling sampling;
  sampling.top_p = 0.8f;  // reached with one of the two smallest
  const float ln2 = std::log(2.0f);
  EXPECT_EQ(Drawn(sampling, {ln2, 0, 2 * ln2, 0}), (std::set<int>{0, 1, 2, 3}));
}

TEST_F(SamplerTest, TopPOfOneKeepsAll) {
  Sampling sampling;
  sampling.top_p = 1;
  EXPECT_EQ(Drawn(sampling, {0, 0, 0, 0, 0}).size(), 5u);
}

TEST_F(SamplerTest, TopKComesAfterTopPAndBreaksTiesByTheSmallerId) {
  Sampling sampling;
  sampling.top_p = 1;
  sampling.top_k = 2;
  EXPECT_EQ(Drawn(sampling, {0, 1, 0, 0}), (std::set<int>{0, 1}));
  sampling.top_p = 0.3f;
  EXPECT_EQ(Drawn(sampling, {0, 5, 0, 0}), (std::set<int>{1}));
}

// Expected shares by hand: p^(1/T) of 0.6, 0.3 and 0.1.
TEST_F(SamplerTest, TemperatureComesLast) {
  Sampling sampling;
  sampling.temperature = 2;
  sampling.top_p = 0.85f;  // the third goes before T could raise it
  constexpr int kDraws = 20000;
  int first = 0;
  for (int position = 0; position < kDraws; ++position) {
    const int id =
        Make(sampling)
            .Next({std::log(0.6f), std::log(0.3f), std::log(0.1f)}, position)
            .id;
    ASSERT_NE(id, 2);
    if (id == 0) ++first;
  }
  const double expected = std::sqrt(0.6) / (std::sqrt(0.6) + std::sqrt(0.3));
  EXPECT_NEAR(first / double{kDraws}, expected, 0.015);  // over 4 sigma
}

TEST_F(SamplerTest, LogprobsAreOfTheSoftmaxAfterBias) {
  Sampling sampling = Greedy();
  sampling.logit_bias[0] = kBanned;
  sampling.logit_bias[3] = 1;
  sampling.presence_penalty = 100;
  Sampler sampler = Make(sampling, /*top_logprobs=*/2);
  const Sampler::Choice choice = sampler.Next({9, 2, 1, 3}, 0);
  const double normalizer = std::log(std::exp(2) + std::exp(1) + std::exp(4));
  EXPECT_EQ(choice.id, 3);
  EXPECT_NEAR(choice.logprob, 4 - normalizer, 1e-6);
  ASSERT_EQ(choice.top.size(), 2u);
  EXPECT_EQ(choice.top[0].id, 3);
  EXPECT_EQ(choice.top[0].logprob, choice.logprob);
  EXPECT_EQ(choice.top[1].id, 1);
  EXPECT_NEAR(choice.top[1].logprob, 2 - normalizer, 1e-6);
  // The penalty sends 3 away, but its probability is told as it was.
  const Sampler::Choice next = sampler.Next({9, 2, 1, 3}, 1);
  EXPECT_EQ(next.id, 1);
  EXPECT_EQ(next.top[0].id, 3);
}

TEST_F(SamplerTest, MoreLogprobsThanTokensAreAllOfThem) {
  EXPECT_EQ(Make(Greedy(), 20).Next({1, 2, 3}, 0).top.size(), 3u);
}

TEST_F(SamplerTest, CountsDecayBeforeTheyGrow) {
  Sampling sampling = Greedy();
  sampling.frequency_penalty = 1;
  sampling.penalty_decay = 0.5;
  Sampler sampler = Make(sampling);
  const int a = tokenizer_.IdOf("a"), b = tokenizer_.IdOf("b");
  std::vector<float> logits(tokenizer_.id_end(), -100);
  logits[a] = 1.6f;
  logits[b] = 0;
  EXPECT_EQ(sampler.Next(logits, 0).id, a);  // count 1
  EXPECT_EQ(sampler.Next(logits, 1).id, a);  // 1.6 - 1; count 0.5 + 1
  EXPECT_EQ(sampler.Next(logits, 2).id, a);  // 1.6 - 1.5; count 0.75 + 1
  EXPECT_EQ(sampler.Next(logits, 3).id, b);  // 1.6 - 1.75
}

TEST_F(SamplerTest, BlanksAndDigitsArePresentButNotCounted) {
  Sampling sampling = Greedy();
  sampling.frequency_penalty = 10;
  std::vector<float> logits(tokenizer_.id_end(), -100);
  const int other = tokenizer_.IdOf("x");
  logits[other] = 0;
  for (const char* piece : {" ", "\t", "0", "9"}) {
    const int id = tokenizer_.IdOf(piece);
    logits[id] = 5;
    Sampler sampler = Make(sampling);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(sampler.Next(logits, i).id, id);
    sampling.presence_penalty = 10;
    Sampler present = Make(sampling);
    EXPECT_EQ(present.Next(logits, 0).id, id);
    EXPECT_EQ(present.Next(logits, 1).id, other);
    sampling.presence_penalty = 0;
    logits[id] = -100;
  }
  for (const char* piece : {"12", "\n", "ab"}) {
    logits[tokenizer_.IdOf(piece)] = 5;
    Sampler sampler = Make(sampling);
    sampler.Next(logits, 0);
    EXPECT_EQ(sampler.Next(logits, 1).id, other) << piece;
    logits[tokenizer_.IdOf(piece)] = -100;
  }
}

TEST_F(SamplerTest, WhatWasDrawnBeforeDoesNotMatter) {
  Sampling sampling;
  sampling.top_p = 1;
  Sampler one = Make(sampling), other = Make(sampling);
  const std::vector<float> logits(100, 0.0f);
  for (int position = 0; position < 50; ++position) one.Next(logits, position);
  EXPECT_EQ(one.Next(logits, 77).id, other.Next(logits, 77).id);
}

TEST_F(SamplerTest, LogProbabilitySumsToOne) {
  const std::vector<float> logits = RandomLogits(50);
  double sum = 0;
  for (size_t id = 0; id < logits.size(); ++id) {
    sum += std::exp(LogProbability(logits, id));
  }
  EXPECT_NEAR(sum, 1, 1e-12);
}

TEST_F(SamplerTest, HugeLogitsDoNotOverflow) {
  EXPECT_EQ(LogProbability({3e38f, 0}, 0), 0);
  EXPECT_EQ(Make(Sampling()).Next({-3e38f, 3e38f}, 0).id, 1);
}

// The known answer of Philox at zero, as a number in [0, 1).
TEST(UniformAtTest, KnownAnswer) {
  EXPECT_EQ(UniformAt(0, 0, 0), (0x6627e8d5e169c58du >> 11) * 0x1p-53);
}

TEST(UniformAtTest, EveryArgumentMattersInEveryBit) {
  std::set<double> drawn = {UniformAt(0, 0, 0)};
  for (int bit = 0; bit < 64; ++bit) {
    drawn.insert(UniformAt(uint64_t{1} << bit, 0, 0));
    drawn.insert(UniformAt(0, 0, uint64_t{1} << bit));
  }
  for (int bit = 0; bit < 32; ++bit) {
    drawn.insert(UniformAt(0, uint64_t{1} << bit, 0));
  }
  EXPECT_EQ(drawn.size(), 1u + 64 + 64 + 32);
}

// Chi-squared over 256 cells: 255 degrees of freedom, standard deviation 22.6.
TEST(UniformAtTest, IsUniformAlongEachArgument) {
  constexpr int kDraws = 1 << 17, kCells = 256;
  for (int argument = 0; argument < 3; ++argument) {
    std::vector<int> cells(kCells);
    for (uint64_t i = 0; i < kDraws; ++i) {
      const double uniform =
          UniformAt(argument == 0 ? i : 42, argument == 1 ? i : 3,
                    argument == 2 ? i : 1000);
      ASSERT_GE(uniform, 0);
      ASSERT_LT(uniform, 1);
      ++cells[static_cast<int>(uniform * kCells)];
    }
    double chi_squared = 0;
    for (int count : cells) {
      const double expected = double{kDraws} / kCells;
      chi_squared += (count - expected) * (count - expected) / expected;
    }
    EXPECT_NEAR(chi_squared, kCells - 1, 5 * 22.6) << "argument " << argument;
  }
}

}  // namespace
}  // namespace oxbow
