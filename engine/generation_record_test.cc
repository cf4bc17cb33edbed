#include "engine/generation_record.h"

#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/status_is.h"

namespace oxbow {
namespace {

GenerateRequest AnyRequest() {
  GenerateRequest request;
  request.name = {"tenant", "stream"};
  request.at.kind = At::Kind::kLabel;
  request.at.offset = ~uint64_t{0};
  request.at.label = "here";
  request.prompt = std::string("half a letter \xc3\0\"", 17);
  request.prompt_ids = {1, 65535};
  request.sampling.temperature = 0.1f;
  request.sampling.top_p = 1e-7f;
  request.sampling.top_k = 40;
  request.sampling.presence_penalty = -0.3f;
  request.sampling.frequency_penalty = 0.7f;
  request.sampling.penalty_decay = 0.996f;
  request.sampling.seed = ~uint64_t{0};
  request.sampling.logit_bias = {{3, -std::numeric_limits<float>::infinity()},
                                 {5, 0.1f}};
  request.branches = 3;
  request.tokens_max = 77;
  request.stops = {"\xff", "stop"};
  request.stop_ids = {9, 8};
  request.ignore_end_of_document = true;
  request.top_logprobs = 2;
  request.keep_as = "kept";
  request.commit = true;
  request.expected = Position{uint64_t{1} << 60, 2};
  return request;
}

GenerationRecord AnyRecord() {
  GenerationRecord record;
  record.request = AnyRequest();
  record.numerics_id = "cpu-exact-1";
  record.result.point = {{17, 1}, 5};
  return record;
}

TEST(GenerationRecordTest, ComesBackAsItWas) {
  const auto back = DecodeGeneration(EncodeGeneration(AnyRecord()));
  ASSERT_OK(back);
  ASSERT_TRUE(back->request.has_value());
  EXPECT_TRUE(AskTheSame(*back->request, AnyRequest()));
  // AskTheSame sees what is encoded; that must be all.
  EXPECT_EQ(back->request->sampling.logit_bias,
            AnyRequest().sampling.logit_bias);
  EXPECT_EQ(back->request->sampling.top_p, AnyRequest().sampling.top_p);
  EXPECT_EQ(back->request->prompt, AnyRequest().prompt);
  EXPECT_EQ(back->request->stops, AnyRequest().stops);
  EXPECT_EQ(back->request->expected, AnyRequest().expected);
  EXPECT_EQ(back->numerics_id, "cpu-exact-1");
  EXPECT_EQ(back->result.point.position, (Position{17, 1}));
  EXPECT_FALSE(back->kept());
}

TEST(GenerationRecordTest, AKeptOneHasItsTokens) {
  GenerationRecord record = AnyRecord();
  record.result.tokens.emplace_back().id = 7;
  record.result.branches.emplace_back().text = "text";
  const auto back = DecodeGeneration(EncodeGeneration(record));
  ASSERT_OK(back);
  EXPECT_TRUE(back->kept());
  EXPECT_EQ(back->result.tokens[0].id, 7);
  EXPECT_EQ(back->result.branches[0].text, "text");
}

TEST(GenerationRecordTest, AnEarlierReleasesResultIsRead) {
  GeneratedResult result;
  result.branches.emplace_back().text = "text";
  const auto back = DecodeGeneration(EncodeResult(result));
  ASSERT_OK(back);
  EXPECT_TRUE(back->kept());
  EXPECT_FALSE(back->request.has_value());
}

TEST(GenerationRecordTest, AnyOtherFieldIsAnotherRequest) {
  const GenerateRequest request = AnyRequest();
  const auto differs = [&request](const auto& change) {
    GenerateRequest other = request;
    change(&other);
    return !AskTheSame(request, other);
  };
  using R = GenerateRequest*;
  EXPECT_TRUE(differs([](R r) { r->name.stream = "x"; }));
  EXPECT_TRUE(differs([](R r) { r->at.offset = 1; }));
  EXPECT_TRUE(differs([](R r) { r->at.kind = At::Kind::kHead; }));
  EXPECT_TRUE(differs([](R r) { r->at.label = "x"; }));
  EXPECT_TRUE(differs([](R r) { r->prompt += "x"; }));
  EXPECT_TRUE(differs([](R r) { r->prompt_ids.pop_back(); }));
  EXPECT_TRUE(differs([](R r) { r->sampling.temperature = 0.2f; }));
  EXPECT_TRUE(differs([](R r) { r->sampling.top_p = 1; }));
  EXPECT_TRUE(differs([](R r) { r->sampling.top_k = 1; }));
  EXPECT_TRUE(differs([](R r) { r->sampling.presence_penalty = 1; }));
  EXPECT_TRUE(differs([](R r) { r->sampling.frequency_penalty = 1; }));
  EXPECT_TRUE(differs([](R r) { r->sampling.penalty_decay = 1; }));
  EXPECT_TRUE(differs([](R r) { r->sampling.seed = 1; }));
  EXPECT_TRUE(differs([](R r) { r->sampling.logit_bias[5] = 0.2f; }));
  EXPECT_TRUE(differs([](R r) { r->branches = 1; }));
  EXPECT_TRUE(differs([](R r) { r->tokens_max = 1; }));
  EXPECT_TRUE(differs([](R r) { r->stops.clear(); }));
  EXPECT_TRUE(differs([](R r) { r->stop_ids.clear(); }));
  EXPECT_TRUE(differs([](R r) { r->ignore_end_of_document = false; }));
  EXPECT_TRUE(differs([](R r) { r->top_logprobs = 0; }));
  EXPECT_TRUE(differs([](R r) { r->keep_as = ""; }));
  EXPECT_TRUE(differs([](R r) { r->commit = false; }));
  EXPECT_TRUE(differs([](R r) { r->expected.reset(); }));
  EXPECT_FALSE(differs([](R r) { r->request_id = "x"; }));
  EXPECT_FALSE(differs([](R r) { r->from_index = {4}; }));
}

TEST(GenerationRecordTest, DamageIsDataLoss) {
  const std::string whole = EncodeGeneration(AnyRecord());
  EXPECT_THAT(DecodeGeneration(""), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(DecodeGeneration(whole.substr(0, whole.size() / 2)),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(
      DecodeGeneration(
          R"({"point":[0,0,0],"tokens":[],"branches":[],"request":{}})"),
      StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace oxbow
