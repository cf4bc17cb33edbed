#include "engine/generated_result.h"

#include <cmath>
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/status_is.h"

namespace oxbow {
namespace {

using testing::HasSubstr;

GeneratedResult AnyResult() {
  GeneratedResult result;
  result.point = {{uint64_t{1} << 60, 3}, ~uint64_t{0}};
  for (int i = 0; i < 3; ++i) {
    GeneratedToken token;
    token.branch = i % 2;
    token.index = i / 2;
    token.id = 65535 - i;
    token.bytes = i == 2 ? "" : std::string("\x00\xff\xc3\"\\\n", 6);
    token.logprob = -0.1f * i - 1e-7f;
    result.tokens.push_back(token);
  }
  FinishedBranch first;
  first.branch = 0;
  first.reason = FinishReason::kStopText;
  first.text = std::string("half a letter \xc3\0", 16);
  first.tokens = 2;
  first.committed = Point{{17, 1}, 5};
  FinishedBranch second;
  second.branch = 1;
  second.reason = FinishReason::kEndOfDocument;
  second.kept_as = "kept.2";
  result.branches = {first, second};
  return result;
}

TEST(GeneratedResultTest, ComesBackAsItWas) {
  const GeneratedResult result = AnyResult();
  const auto back = DecodeResult(EncodeResult(result));
  ASSERT_OK(back);
  EXPECT_EQ(back->point.position, result.point.position);
  EXPECT_EQ(back->point.token_offset, result.point.token_offset);
  ASSERT_EQ(back->tokens.size(), result.tokens.size());
  for (size_t i = 0; i < result.tokens.size(); ++i) {
    EXPECT_EQ(back->tokens[i].branch, result.tokens[i].branch);
    EXPECT_EQ(back->tokens[i].index, result.tokens[i].index);
    EXPECT_EQ(back->tokens[i].id, result.tokens[i].id);
    EXPECT_EQ(back->tokens[i].bytes, result.tokens[i].bytes);
    EXPECT_EQ(back->tokens[i].logprob, result.tokens[i].logprob);
  }
  ASSERT_EQ(back->branches.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(back->branches[i].branch, result.branches[i].branch);
    EXPECT_EQ(back->branches[i].reason, result.branches[i].reason);
    EXPECT_EQ(back->branches[i].text, result.branches[i].text);
    EXPECT_EQ(back->branches[i].tokens, result.branches[i].tokens);
    EXPECT_EQ(back->branches[i].kept_as, result.branches[i].kept_as);
  }
  ASSERT_TRUE(back->branches[0].committed.has_value());
  EXPECT_EQ(back->branches[0].committed->position, (Position{17, 1}));
  EXPECT_EQ(back->branches[0].committed->token_offset, 5u);
  EXPECT_FALSE(back->branches[1].committed.has_value());
}

TEST(GeneratedResultTest, EveryLogprobComesBackBitForBit) {
  std::mt19937 random(1);
  GeneratedResult result;
  for (int i = 0; i < 1000; ++i) {
    result.tokens.emplace_back();
    result.tokens.back().logprob = -std::ldexp(random(), -(random() % 60));
  }
  const auto back = DecodeResult(EncodeResult(result));
  ASSERT_OK(back);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(back->tokens[i].logprob, result.tokens[i].logprob);
  }
}

TEST(GeneratedResultTest, ACutResultIsDataLoss) {
  const std::string encoded = EncodeResult(AnyResult());
  for (size_t size = 0; size < encoded.size(); ++size) {
    ASSERT_THAT(DecodeResult(encoded.substr(0, size)),
                StatusIs(absl::StatusCode::kDataLoss))
        << size;
  }
}

TEST(GeneratedResultTest, OtherJsonIsDataLoss) {
  for (const char* text :
       {"null", "[]", "{}", "7", "{\"point\":[1,2],\"tokens\":[]}",
        "{\"point\":[1,2,3],\"tokens\":7,\"branches\":[]}",
        "{\"point\":[1,2,3],\"tokens\":[[0,0,\"x\",\"\",0]],\"branches\":[]}",
        "{\"point\":[1,2,3],\"tokens\":[],\"branches\":[{}]}"}) {
    EXPECT_THAT(DecodeResult(text), StatusIs(absl::StatusCode::kDataLoss))
        << text;
  }
}

// The store's seals find flipped bits; here nothing may happen but an answer.
TEST(GeneratedResultTest, DamageIsDataLossOrAnotherResult) {
  std::mt19937 random(2);
  const std::string encoded = EncodeResult(AnyResult());
  int lost = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = encoded;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    const auto back = DecodeResult(damaged);
    if (back.ok()) continue;
    ASSERT_THAT(back, StatusIs(absl::StatusCode::kDataLoss));
    ++lost;
  }
  EXPECT_GT(lost, 500);
}

TEST(EncodeProvenanceTest, SaysHowTheIdsWereDrawn) {
  GenerateRequest request;
  request.sampling.temperature = 0.5f;
  request.sampling.top_k = 7;
  request.sampling.seed = ~uint64_t{0};
  const std::string provenance = EncodeProvenance(request, 3);
  EXPECT_THAT(provenance, HasSubstr("\"seed\":18446744073709551615"));
  EXPECT_THAT(provenance, HasSubstr("\"temperature\":0.5"));
  EXPECT_THAT(provenance, HasSubstr("\"top_k\":7"));
  EXPECT_THAT(provenance, HasSubstr("\"branch\":3"));
}

}  // namespace
}  // namespace oxbow
