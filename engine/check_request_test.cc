#include "engine/check_request.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "engine/error_reason.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kVocabulary = 512;

// "" if it is taken.
std::string ReasonFor(const absl::Status& status) {
  if (status.ok()) return "";
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(status.message().empty());
  return ReasonOf(status);
}

TEST(CheckNameTest, Table) {
  const std::vector<std::string> good = {"a", "A-z_0.9", "...",
                                         std::string(128, 'x'), "-"};
  const std::vector<std::string> bad = {"",
                                        "a b",
                                        "a/b",
                                        "a\n",
                                        "\xc3\xa9",
                                        "a:b",
                                        std::string(129, 'x'),
                                        std::string("a\0b", 3)};
  for (const std::string& name : good) {
    EXPECT_EQ(ReasonFor(CheckName({"default", name})), "") << name;
    EXPECT_EQ(ReasonFor(CheckName({name, "s"})), "") << name;
  }
  for (const std::string& name : bad) {
    EXPECT_EQ(ReasonFor(CheckName({"default", name})), "BAD_STREAM_ID") << name;
    EXPECT_EQ(ReasonFor(CheckName({name, "s"})), "BAD_STREAM_ID") << name;
  }
}

TEST(CheckIdsTest, Table) {
  EXPECT_EQ(ReasonFor(CheckIds({}, kVocabulary)), "");
  EXPECT_EQ(ReasonFor(CheckIds({0, 511}, kVocabulary)), "");
  EXPECT_EQ(ReasonFor(CheckIds({0, 512}, kVocabulary)), "BAD_TOKEN_ID");
  EXPECT_EQ(ReasonFor(CheckIds({-1}, kVocabulary)), "BAD_TOKEN_ID");
}

struct SamplingCase {
  const char* name;
  std::function<void(Sampling*)> change;
  bool good;
};

TEST(CheckSamplingTest, Table) {
  const std::vector<SamplingCase> cases = {
      {"default", [](Sampling*) {}, true},
      {"greedy", [](Sampling* s) { s->temperature = 0; }, true},
      {"hot", [](Sampling* s) { s->temperature = 100; }, true},
      {"too hot", [](Sampling* s) { s->temperature = 101; }, false},
      {"cold", [](Sampling* s) { s->temperature = -0.1f; }, false},
      {"NaN", [](Sampling* s) { s->temperature = NAN; }, false},
      {"infinite", [](Sampling* s) { s->temperature = kInfinity; }, false},
      {"top_p 0", [](Sampling* s) { s->top_p = 0; }, true},
      {"top_p 1", [](Sampling* s) { s->top_p = 1; }, true},
      {"top_p > 1", [](Sampling* s) { s->top_p = 1.01f; }, false},
      {"top_p NaN", [](Sampling* s) { s->top_p = NAN; }, false},
      {"top_k", [](Sampling* s) { s->top_k = 1 << 20; }, true},
      {"top_k < 0", [](Sampling* s) { s->top_k = -1; }, false},
      {"presence", [](Sampling* s) { s->presence_penalty = -100; }, true},
      {"presence NaN", [](Sampling* s) { s->presence_penalty = NAN; }, false},
      {"presence big", [](Sampling* s) { s->presence_penalty = 101; }, false},
      {"frequency", [](Sampling* s) { s->frequency_penalty = 100; }, true},
      {"frequency big", [](Sampling* s) { s->frequency_penalty = 101; }, false},
      {"decay 0", [](Sampling* s) { s->penalty_decay = 0; }, true},
      {"decay > 1", [](Sampling* s) { s->penalty_decay = 1.1f; }, false},
      {"ban", [](Sampling* s) { s->logit_bias[0] = -kInfinity; }, true},
      {"force", [](Sampling* s) { s->logit_bias[511] = 1000; }, true},
      {"bias inf", [](Sampling* s) { s->logit_bias[0] = kInfinity; }, false},
      {"bias NaN", [](Sampling* s) { s->logit_bias[0] = NAN; }, false},
      {"bias big", [](Sampling* s) { s->logit_bias[0] = 1001; }, false},
      {"all but one banned",
       [](Sampling* s) {
         for (int id = 1; id < kVocabulary; ++id)
           s->logit_bias[id] = -kInfinity;
       },
       true},
      {"all banned",
       [](Sampling* s) {
         for (int id = 0; id < kVocabulary; ++id)
           s->logit_bias[id] = -kInfinity;
       },
       false},
  };
  for (const SamplingCase& each : cases) {
    Sampling sampling;
    each.change(&sampling);
    EXPECT_EQ(ReasonFor(CheckSampling(sampling, kVocabulary)),
              each.good ? "" : "BAD_SAMPLING")
        << each.name;
  }
}

TEST(CheckSamplingTest, BiasesNameIdsOfTheModelAndAreBounded) {
  Sampling sampling;
  sampling.logit_bias[kVocabulary] = 1;
  EXPECT_EQ(ReasonFor(CheckSampling(sampling, kVocabulary)), "BAD_TOKEN_ID");
  sampling.logit_bias.clear();
  for (int id = 0; id < 1024; ++id) sampling.logit_bias[id] = 1;
  EXPECT_EQ(ReasonFor(CheckSampling(sampling, 65536)), "");
  sampling.logit_bias[1024] = 1;
  EXPECT_EQ(ReasonFor(CheckSampling(sampling, 65536)), "BAD_SAMPLING");
}

TEST(CheckPlanTest, Table) {
  EmbeddingPlan plan;
  plan.tokens = -5;
  for (EmbeddingPlan::Kind kind :
       {EmbeddingPlan::Kind::kNone, EmbeddingPlan::Kind::kParagraph,
        EmbeddingPlan::Kind::kSentence}) {
    plan.kind = kind;
    EXPECT_EQ(ReasonFor(CheckPlan(plan)), "");
  }
  plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  for (int tokens : {1, 256, 1 << 20}) {
    plan.tokens = tokens;
    EXPECT_EQ(ReasonFor(CheckPlan(plan)), "") << tokens;
  }
  for (int tokens : {-5, 0, (1 << 20) + 1}) {
    plan.tokens = tokens;
    EXPECT_EQ(ReasonFor(CheckPlan(plan)), "BAD_PLAN") << tokens;
  }
}

TEST(CheckLabelsTest, Table) {
  const std::string long_text(1024, 'x'), too_long(1025, 'x');
  EXPECT_EQ(ReasonFor(CheckLabels({}, 2)), "");
  EXPECT_EQ(ReasonFor(CheckLabels({{"a", ""}, {long_text, long_text}}, 2)), "");
  EXPECT_EQ(ReasonFor(CheckLabels({{"a", ""}, {"b", ""}, {"c", ""}}, 2)),
            "BAD_LABELS");
  EXPECT_EQ(ReasonFor(CheckLabels({{"", "x"}}, 2)), "BAD_LABELS");
  EXPECT_EQ(ReasonFor(CheckLabels({{too_long, ""}}, 2)), "BAD_LABELS");
  EXPECT_EQ(ReasonFor(CheckLabels({{"a", too_long}}, 2)), "BAD_LABELS");
}

struct GenerateCase {
  const char* name;
  std::function<void(GenerateRequest*)> change;
  const char* reason;
};

std::vector<GenerateCase> CountCases() {
  using R = GenerateRequest;
  return {
      {"good", [](R*) {}, ""},
      {"16 branches", [](R* r) { r->branches = 16; }, ""},
      {"17 branches", [](R* r) { r->branches = 17; }, "BAD_COUNT"},
      {"no branch", [](R* r) { r->branches = 0; }, "BAD_COUNT"},
      {"no token", [](R* r) { r->tokens_max = 0; }, "BAD_COUNT"},
      {"most tokens", [](R* r) { r->tokens_max = 4096; }, ""},
      {"too many tokens", [](R* r) { r->tokens_max = 4097; }, "BAD_COUNT"},
      {"logprobs", [](R* r) { r->top_logprobs = 20; }, ""},
      {"many logprobs", [](R* r) { r->top_logprobs = 21; }, "BAD_COUNT"},
      {"logprobs < 0", [](R* r) { r->top_logprobs = -1; }, "BAD_COUNT"},
      {"sampling", [](R* r) { r->sampling.top_p = 2; }, "BAD_SAMPLING"},
      {"name", [](R* r) { r->name.stream = "a b"; }, "BAD_STREAM_ID"},
  };
}

std::vector<GenerateCase> TextCases() {
  using R = GenerateRequest;
  return {
      {"prompt", [](R* r) { r->prompt.assign(1 << 20, 'x'); }, ""},
      {"long prompt", [](R* r) { r->prompt.assign((1 << 20) + 1, 'x'); },
       "BAD_PROMPT"},
      {"long ids", [](R* r) { r->prompt_ids.assign((1 << 18) + 1, 5); },
       "BAD_PROMPT"},
      {"both prompts",
       [](R* r) {
         r->prompt = "x";
         r->prompt_ids = {5};
       },
       "BAD_PROMPT"},
      {"bad id", [](R* r) { r->prompt_ids = {kVocabulary}; }, "BAD_TOKEN_ID"},
      {"stop", [](R* r) { r->stops = {std::string(256, 'x')}; }, ""},
      {"16 stops", [](R* r) { r->stops.assign(16, "x"); }, ""},
      {"17 stops", [](R* r) { r->stops.assign(17, "x"); }, "BAD_STOP"},
      {"17 stop ids", [](R* r) { r->stop_ids.assign(17, 1); }, "BAD_STOP"},
      {"empty stop",
       [](R* r) {
         r->stops = {"a", ""};
       },
       "BAD_STOP"},
      {"long stop", [](R* r) { r->stops = {std::string(257, 'x')}; },
       "BAD_STOP"},
      {"bad stop id", [](R* r) { r->stop_ids = {-1}; }, "BAD_TOKEN_ID"},
  };
}

std::vector<GenerateCase> KeepingCases() {
  using R = GenerateRequest;
  return {
      {"commit", [](R* r) { r->commit = true; }, ""},
      {"keep", [](R* r) { r->keep_as = "kept"; }, ""},
      {"keep as bad name", [](R* r) { r->keep_as = "a b"; }, "BAD_STREAM_ID"},
      {"both",
       [](R* r) {
         r->commit = true;
         r->keep_as = "kept";
       },
       "BAD_KEEPING"},
      {"commit of two",
       [](R* r) {
         r->commit = true;
         r->branches = 2;
       },
       "BAD_KEEPING"},
      {"commit in the past",
       [](R* r) {
         r->commit = true;
         r->at.kind = At::Kind::kByte;
       },
       "BAD_KEEPING"},
  };
}

TEST(CheckGenerateTest, Table) {
  for (const auto& cases : {CountCases(), TextCases(), KeepingCases()}) {
    for (const GenerateCase& each : cases) {
      GenerateRequest request;
      request.name.stream = "doc";
      each.change(&request);
      EXPECT_EQ(ReasonFor(CheckGenerate(request, Limits(), kVocabulary)),
                each.reason)
          << each.name;
    }
  }
}

// The last of n names is the longest.
TEST(CheckGenerateTest, KeptNamesFitWithTheirNumbers) {
  GenerateRequest request;
  request.name.stream = "doc";
  request.keep_as = std::string(128, 'x');
  EXPECT_EQ(ReasonFor(CheckGenerate(request, Limits(), kVocabulary)), "");
  request.branches = 10;
  EXPECT_EQ(ReasonFor(CheckGenerate(request, Limits(), kVocabulary)),
            "BAD_STREAM_ID");
  request.keep_as = std::string(125, 'x');
  EXPECT_EQ(ReasonFor(CheckGenerate(request, Limits(), kVocabulary)), "");
}

}  // namespace
}  // namespace oxbow
