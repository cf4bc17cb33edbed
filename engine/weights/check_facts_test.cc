#include "engine/weights/check_facts.h"

#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::HasSubstr;

absl::Status Check(const SourceFacts& facts) {
  static const std::vector<TensorEntry>* const kTensors =
      new std::vector<TensorEntry>{
          {"emb.weight", DType::kF32, {100, 32}},
          {"blocks.0.ln1.weight", DType::kF32, {32}},
          {"blocks.1.ln1.weight", DType::kF32, {32}},
          {"blocks.0.ffn.key.weight", DType::kF32, {128, 32}},
          {"blocks.0.att.r_k", DType::kF32, {4, 8}}};
  return CheckFacts(facts, [](absl::string_view name) -> const TensorEntry* {
    for (const TensorEntry& entry : *kTensors) {
      if (entry.name == name) return &entry;
    }
    return nullptr;
  });
}

TEST(CheckFactsTest, AgreesOrIsSilent) {
  EXPECT_TRUE(Check({}).ok());
  SourceFacts facts;
  facts.layers = 2;
  facts.width = 32;
  facts.ffn_width = 128;
  facts.vocabulary_size = 100;
  facts.head_size = 8;
  facts.norm_eps = 1e-5f;
  EXPECT_TRUE(Check(facts).ok()) << Check(facts);
}

TEST(CheckFactsTest, ContradictionsGetASentence) {
  const struct {
    absl::optional<int64_t> SourceFacts::*fact;
    int64_t said;
    const char* message;
  } cases[] = {
      {&SourceFacts::layers, 3, "the file says 3 layers, its tensors are of 2"},
      {&SourceFacts::layers, 1, "says 1 layers"},
      {&SourceFacts::layers, -1, "says -1 layers"},
      {&SourceFacts::width, 64,
       "emb.weight: has shape [100,32], the file says 64 channels"},
      {&SourceFacts::vocabulary_size, 65536, "the file says 65536 tokens"},
      {&SourceFacts::ffn_width, 0,
       "blocks.0.ffn.key.weight: has shape [128,32], the file says 0 FFN"},
      {&SourceFacts::head_size, 16,
       "blocks.0.att.r_k: has shape [4,8], the file says 16 channels a head"},
  };
  for (const auto& known : cases) {
    SourceFacts facts;
    facts.*known.fact = known.said;
    const absl::Status status = Check(facts);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << known.message;
    EXPECT_THAT(std::string(status.message()), HasSubstr(known.message));
  }
}

TEST(CheckFactsTest, OtherEpsilonsAreRefused) {
  for (double eps : {1e-6, 1.2e-5, 0.0, -1e-5, std::nan("")}) {
    SourceFacts facts;
    facts.norm_eps = eps;
    EXPECT_TRUE(absl::IsUnimplemented(Check(facts))) << eps;
  }
}

}  // namespace
}  // namespace oxbow
