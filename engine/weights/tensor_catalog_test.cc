#include "engine/weights/tensor_catalog.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "engine/weights/testing/refusal_cost.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// fp32 tensors that hold 0, 1, 2 .. each.
class Counting : public TensorSource {
 public:
  struct Named {
    std::string name;
    std::vector<int64_t> shape;
    bool transposed = false;
  };
  explicit Counting(const std::vector<Named>& tensors, SourceFacts facts = {})
      : facts_(facts) {
    for (const Named& tensor : tensors) {
      entries_.push_back(
          {tensor.name, DType::kF32, tensor.shape, tensor.transposed});
    }
  }
  absl::Span<const TensorEntry> entries() const override { return entries_; }
  SourceFacts facts() const override { return facts_; }
  absl::Status Read(int index, absl::Span<char> bytes) override {
    for (size_t i = 0; i < bytes.size() / 4; ++i) {
      const float number = static_cast<float>(i);
      std::memcpy(bytes.data() + 4 * i, &number, 4);
    }
    return absl::OkStatus();
  }

 private:
  std::vector<TensorEntry> entries_;
  SourceFacts facts_;
};

absl::StatusOr<TensorCatalog> Make(const std::vector<Counting::Named>& tensors,
                                   SourceFacts facts = {}) {
  return TensorCatalog::Make(absl::make_unique<Counting>(tensors, facts));
}

std::vector<float> Read(TensorCatalog& catalog, const char* name) {
  std::vector<float> numbers(catalog.Find(name)->Count());
  EXPECT_TRUE(catalog
                  .Read(name, {reinterpret_cast<char*>(numbers.data()),
                               numbers.size() * 4})
                  .ok());
  return numbers;
}

TEST(TensorCatalogTest, BlinkDlsNamesAreCanonical) {
  auto catalog = Make({{"rwkv.emb.weight", {3, 2}},
                       {"head.retr_head.fc1.weight", {2}},
                       {"strange", {1}}});
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  ASSERT_NE(catalog->Find("emb.weight"), nullptr);
  EXPECT_EQ(catalog->Find("emb.weight")->name, "emb.weight");
  EXPECT_EQ(catalog->NameInFile("emb.weight"), "rwkv.emb.weight");
  EXPECT_NE(catalog->Find("head.retr_head.fc1.weight"), nullptr);
  EXPECT_EQ(catalog->Find("rwkv.emb.weight"), nullptr);
  EXPECT_NE(catalog->Find("strange"), nullptr) << "the loader will refuse it";
  EXPECT_THAT(Read(*catalog, "emb.weight"), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(TensorCatalogTest, ATensorMayLieTheOtherWayRound) {
  SourceFacts facts;
  facts.is_canonical = true;
  auto catalog = Make({{"blocks.0.att.w1", {2, 3}, true}}, facts);
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_THAT(catalog->Find("blocks.0.att.w1")->shape, ElementsAre(3, 2));
  EXPECT_FALSE(catalog->Find("blocks.0.att.w1")->transposed);
  EXPECT_THAT(Read(*catalog, "blocks.0.att.w1"), ElementsAre(0, 3, 1, 4, 2, 5));
  for (const char* name : {"emb.weight", "blocks.0.att.key.weight"}) {
    EXPECT_THAT(
        std::string(Make({{name, {2, 3}, true}}, facts).status().message()),
        HasSubstr("marked as transposed, want a low-rank matrix"));
  }
  EXPECT_THAT(std::string(Make({{"w1", {6}, true}}, facts).status().message()),
              HasSubstr("w1: want a matrix"));
}

TEST(TensorCatalogTest, ReadsFlaNames) {
  auto catalog = Make({{"model.layers.0.attn.r_k", {2, 3}},
                       {"model.layers.12.attn.w_lora.lora.0.weight", {2, 3}},
                       {"model.layers.12.attn.w_lora.lora.2.bias", {3}},
                       {"model.layers.12.attn.x_x", {6, 1, 1, 2}}});
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_THAT(catalog->Find("blocks.0.att.r_k")->shape, ElementsAre(2, 3));
  EXPECT_THAT(catalog->Find("blocks.12.att.w1")->shape, ElementsAre(3, 2));
  EXPECT_THAT(Read(*catalog, "blocks.12.att.w1"),
              ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_NE(catalog->Find("blocks.12.att.w0"), nullptr);
  EXPECT_THAT(catalog->Find("blocks.12.att.x_k")->shape, ElementsAre(1, 1, 2));
  EXPECT_THAT(Read(*catalog, "blocks.12.att.x_r"), ElementsAre(0, 1));
  EXPECT_THAT(Read(*catalog, "blocks.12.att.x_g"), ElementsAre(10, 11));
}

TEST(TensorCatalogTest, ReadsGgufNamesOfRwkv7) {
  SourceFacts facts;
  facts.head_size = 2;
  auto catalog = Make({{"blk.0.time_mix_r_k.weight", {6}},
                       {"blk.0.time_mix_v1.weight", {9, 9}},
                       {"blk.1.time_mix_v1.weight", {2, 3}},
                       {"token_embd_norm.bias", {6}},
                       {"blk.1.time_mix_lerp_fused.weight", {6, 1, 1, 2}}},
                      facts);
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_THAT(catalog->Find("blocks.0.att.r_k")->shape, ElementsAre(3, 2));
  EXPECT_EQ(catalog->Find("blocks.0.att.v1"), nullptr) << "unused there";
  EXPECT_THAT(Read(*catalog, "blocks.1.att.v1"), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_NE(catalog->Find("blocks.0.ln0.bias"), nullptr);
  EXPECT_THAT(Read(*catalog, "blocks.1.att.x_w"), ElementsAre(2, 3));
}

TEST(TensorCatalogTest, ReadsGgufNamesOfRwkv6) {
  SourceFacts facts;
  facts.rescale_every = 2;
  auto catalog = Make({{"blk.0.time_mix_lerp_x.weight", {1, 1, 2}},
                       {"blk.5.time_mix_output.weight", {2, 2}},
                       {"blk.1.channel_mix_value.weight", {2, 2}},
                       {"blk.1.time_mix_w2.weight", {2, 1, 3}},
                       {"blk.1.time_mix_lerp_fused.weight", {5, 1, 1, 2}}},
                      facts);
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_THAT(Read(*catalog, "blocks.5.att.output.weight"),
              ElementsAre(0, 4, 8, 12));
  EXPECT_THAT(Read(*catalog, "blocks.1.ffn.value.weight"),
              ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(catalog->Find("blocks.1.att.time_maa_w2")->shape,
              ElementsAre(2, 3, 1));
  EXPECT_THAT(Read(*catalog, "blocks.1.att.time_maa_w"), ElementsAre(0, 1));
  EXPECT_THAT(Read(*catalog, "blocks.1.att.time_maa_g"), ElementsAre(8, 9));
}

TEST(TensorCatalogTest, ReadsHuggingFacesFirstNames) {
  auto catalog =
      Make({{"rwkv.embeddings.weight", {3, 2}},
            {"rwkv.blocks.0.pre_ln.weight", {2}},
            {"rwkv.blocks.7.attention.time_mix_receptance", {1, 1, 2}},
            {"rwkv.blocks.7.feed_forward.time_maa_k", {1, 1, 2}},
            {"head.weight", {3, 2}}});
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  for (const char* name :
       {"emb.weight", "blocks.0.ln0.weight", "blocks.7.att.time_mix_r",
        "blocks.7.ffn.time_maa_k", "head.weight"}) {
    EXPECT_NE(catalog->Find(name), nullptr) << name;
  }
  EXPECT_EQ(catalog->names().size(), 5u);
}

// w1 [D,R] and w2 [R,D] of RWKV-7 in these shapes; D = 4.
bool IsTurned(std::vector<int64_t> w1, std::vector<int64_t> w2, bool is_st) {
  SourceFacts facts;
  facts.is_named_st = is_st;
  auto catalog = Make({{"emb.weight", {9, 4}},
                       {"blocks.0.att.r_k", {2, 2}},
                       {"blocks.0.att.w1", std::move(w1)},
                       {"blocks.0.att.w2", std::move(w2)}},
                      facts);
  EXPECT_TRUE(catalog.ok()) << catalog.status();
  return catalog->names().at("blocks.0.att.w1").transposed;
}

TEST(TensorCatalogTest, ShapesTellWhatWebRwkvTurned) {
  for (bool is_st : {false, true}) {
    EXPECT_FALSE(IsTurned({4, 2}, {2, 4}, is_st));
    EXPECT_TRUE(IsTurned({2, 4}, {4, 2}, is_st));
    EXPECT_TRUE(IsTurned({4, 4}, {4, 2}, is_st)) << "another matrix tells";
    EXPECT_FALSE(IsTurned({4, 4}, {2, 4}, is_st));
  }
  EXPECT_FALSE(IsTurned({4, 4}, {4, 4}, false)) << "BlinkDL's, if in doubt";
  EXPECT_TRUE(IsTurned({4, 4}, {4, 4}, true)) << "but by the name of the file";
}

TEST(TensorCatalogTest, ReadsWebRwkvsNames) {
  auto catalog = Make({{"emb.weight", {9, 4}},
                       {"blocks.0.att.time_mix_x", {1, 1, 4}},
                       {"blocks.0.att.time_mix_w1", {10, 4}},
                       {"blocks.0.att.time_mix_w2", {5, 4, 2}},
                       {"blocks.0.att.time_decay_w1", {4, 3}},
                       {"blocks.0.att.time_first", {2, 2}},
                       {"blocks.0.att.time_state", {1, 2, 2}},
                       {"blocks.0.att.key.weight", {4, 4}}});
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_THAT(catalog->Find("blocks.0.att.time_maa_w1")->shape,
              ElementsAre(4, 10));
  EXPECT_THAT(catalog->Find("blocks.0.att.time_maa_w2")->shape,
              ElementsAre(5, 2, 4));
  EXPECT_THAT(catalog->Find("blocks.0.att.time_decay_w1")->shape,
              ElementsAre(4, 3))
      << "not turned in this file";
  EXPECT_THAT(Read(*catalog, "blocks.0.att.time_faaaa"),
              ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Read(*catalog, "blocks.0.att.time_state"),
              ElementsAre(0, 2, 1, 3));
  EXPECT_NE(catalog->Find("blocks.0.att.key.weight"), nullptr);

  for (bool is_safetensors : {false, true}) {
    SourceFacts facts;
    facts.is_safetensors = is_safetensors;
    auto five = Make({{"blocks.0.att.ln_x.weight", {4}},
                      {"blocks.0.att.time_decay", {2, 2}},
                      {"blocks.0.att.time_first", {2, 2}}},
                     facts);
    ASSERT_TRUE(five.ok()) << five.status();
    EXPECT_EQ(five->Find("blocks.0.att.time_faaaa") != nullptr, is_safetensors)
        << "elsewhere it is the bonus's logarithm";
  }
}

struct BadSource {
  const char* name;
  std::vector<Counting::Named> tensors;
  const char* message;
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
  SourceFacts facts = {};
};

const Counting::Named kFla = {"model.layers.0.attn.r_k", {2, 3}};
const Counting::Named kGguf6 = {"blk.0.time_mix_lerp_x.weight", {1, 1, 2}};
const Counting::Named kGguf7 = {"blk.0.time_mix_r_k.weight", {6}};
const Counting::Named kHf = {"rwkv.embeddings.weight", {3, 2}};
const Counting::Named kSt6 = {"blocks.0.att.time_mix_x", {1, 1, 4}};

// A fact about these tensors.
BadSource Told(const char* name, std::vector<Counting::Named> tensors,
               absl::optional<int64_t> SourceFacts::*fact, int64_t value,
               const char* message) {
  BadSource bad = {name, std::move(tensors), message};
  bad.facts.head_size = 3;
  bad.facts.*fact = value;
  return bad;
}

// A table, however long.
// NOLINTNEXTLINE(readability-function-size)
std::vector<BadSource> SourcesWithBadNames() {
  const auto unimplemented = absl::StatusCode::kUnimplemented;
  return {
      {"TwicePrefixed",
       {{"emb.weight", {1}}, {"rwkv.emb.weight", {1}}},
       "emb.weight: is there twice, as emb.weight and as rwkv.emb.weight"},
      {"FusedAndNot",
       {kFla,
        {"model.layers.1.attn.x_r", {2}},
        {"model.layers.1.attn.x_x", {6, 2}}},
       "blocks.1.att.x_r: is there twice, as model.layers.1.attn.x_r and as "
       "model.layers.1.attn.x_x"},
      {"GgufFusedAndNot",
       {kGguf6,
        {"blk.0.time_mix_lerp_k.weight", {2}},
        {"blk.0.time_mix_lerp_fused.weight", {5, 2}}},
       "blocks.0.att.time_maa_k: is there twice"},
      {"StBothNames",
       {kSt6, {"blocks.0.att.time_maa_x", {1, 1, 4}}},
       "blocks.0.att.time_maa_x: is there twice"},
      {"StBothBonuses",
       {kSt6,
        {"blocks.0.att.time_first", {2, 2}},
        {"blocks.0.att.time_faaaa", {2, 2}}},
       "blocks.0.att.time_faaaa: is there twice"},
      {"FlaAndBlinkDl",
       {kFla, {"emb.weight", {2}}},
       "emb.weight: not one of Hugging Face's (fla) names for RWKV-7"},
      {"FlaAndGguf", {kFla, kGguf7}, "not one of"},
      {"GgufOfBothVersions",
       {kGguf6, kGguf7},
       "blk.0.time_mix_r_k.weight: not one of GGUF's names for RWKV-6"},
      {"HfAndBlinkDl",
       {kHf, {"emb.weight", {3, 2}}},
       "emb.weight: not one of Hugging Face's names for RWKV-4, 5 and 6"},
      {"FlaLayerIsText",
       {kFla, {"model.layers.x.attn.r_k", {2}}},
       "model.layers.x.attn.r_k: not one of"},
      {"FlaLayerIsMissing",
       {kFla, {"model.layers.attn.r_k", {2}}},
       "not one of"},
      {"FlaLayerIsHuge",
       {kFla, {"model.layers.99999999999999999999.attn.r_k", {2}}},
       "not one of"},
      {"FlaSharp", {kFla, {"model.layers.#.attn.r_k", {2, 3}}}, "not one of"},
      {"GgufLayerWithoutNumber",
       {kGguf6, {"blk.#.attn_norm.weight", {2}}},
       "not one of"},
      {"FlaTwoLayers",
       {kFla, {"model.layers.1.2.attn.r_k", {2}}},
       "not one of"},
      {"FlaAttention",
       {kFla, {"model.layers.3.attn.q_proj.weight", {2, 2}}},
       "model.layers.3.attn.q_proj.weight: not one of"},
      {"FlaRwkv6",
       {{"model.embeddings.weight", {2}}, {"model.layers.0.attn.x_bias", {5}}},
       "an RWKV-6 model under Hugging Face's (fla) names",
       unimplemented},
      {"FlaOther",
       {{"model.embeddings.weight", {2}}},
       "that is no RWKV-7",
       unimplemented},
      {"Llama",
       {{"model.embed_tokens.weight", {2}}},
       "that is no RWKV",
       unimplemented},
      {"GgufLlama",
       {{"token_embd.weight", {2}}},
       "no RWKV-6 or RWKV-7",
       unimplemented},
  };
}

std::vector<BadSource> SourcesWithBadShapes() {
  const char* w1 = "model.layers.0.attn.w_lora.lora.0.weight";
  return {
      {"PartsOfFive",
       {kFla, {"model.layers.0.attn.x_x", {5, 2}}},
       "model.layers.0.attn.x_x: want 6 vectors, file has [5,2]"},
      {"PartsOfSeven",
       {kFla, {"model.layers.0.attn.x_x", {7, 2}}},
       "want 6 vectors, file has [7,2]"},
      {"PartsOfNumbers",
       {kFla, {"model.layers.0.attn.x_x", {6}}},
       "want 6 vectors, file has [6]"},
      {"PartsTurned",
       {kFla, {"model.layers.0.attn.x_x", {2, 6}}},
       "want 6 vectors, file has [2,6]"},
      {"GgufPartsOfSix",
       {kGguf6, {"blk.0.time_mix_lerp_fused.weight", {6, 1, 1, 2}}},
       "want 5 vectors, file has [6,1,1,2]"},
      Told("GgufPartsOfFive",
           {kGguf7, {"blk.0.time_mix_lerp_fused.weight", {5, 1, 1, 2}}},
           &SourceFacts::head_size, 3, "want 6 vectors, file has [5,1,1,2]"),
      {"PairOfOneDimension",
       {kFla, {w1, {6}}},
       "model.layers.0.attn.w_lora.lora.0.weight: want a matrix, file has [6]"},
      {"StPairOfOneDimension",
       {kSt6, {"blocks.0.att.time_mix_w1", {4}}},
       "want a matrix"},
      {"StStateOfOneDimension",
       {kSt6, {"blocks.0.att.time_state", {4}}},
       "want a matrix"},
      {"NoHeadSize", {kGguf7}, "the file says heads have 0 channels"},
      Told("HeadSizeZero", {kGguf7}, &SourceFacts::head_size, 0,
           "heads have 0 channels"),
      Told("HeadSizeNegative", {kGguf7}, &SourceFacts::head_size, -3,
           "heads have -3 channels"),
      Told("HeadSizeDoesNotFit", {kGguf7}, &SourceFacts::head_size, 4,
           "heads have 4 channels, which 6 numbers do not fill"),
      Told("HeadSizeTooLarge", {kGguf7}, &SourceFacts::head_size, INT64_MAX,
           "which 6 numbers do not fill"),
      Told("HeadSizeSmallest", {kGguf7}, &SourceFacts::head_size, INT64_MIN,
           "which 6 numbers do not fill"),
      Told("RescaleNegative",
           {kGguf6, {"blk.0.time_mix_output.weight", {2, 2}}},
           &SourceFacts::rescale_every, -1, "rescales every -1 layers"),
      Told("RescaleSmallest",
           {kGguf6, {"blk.0.time_mix_output.weight", {2, 2}}},
           &SourceFacts::rescale_every, INT64_MIN, "rescales every -9223"),
  };
}

std::vector<BadSource> SourcesWithBadFacts() {
  const std::vector<Counting::Named> model = {
      {"emb.weight", {9, 4}},
      {"blocks.0.att.r_k", {2, 3}},
      {"blocks.0.ffn.key.weight", {16, 4}},
      {"blocks.0.ln1.weight", {4}},
      {"blocks.1.ln1.weight", {4}},
      {"blocks.2.ln1.weight", {4}}};
  std::vector<BadSource> bad = {
      Told("Vocabulary", model, &SourceFacts::vocabulary_size, 10,
           "emb.weight: has shape [9,4], the file says 10 tokens"),
      Told("Width", model, &SourceFacts::width, 5,
           "emb.weight: has shape [9,4], the file says 5 channels"),
      Told("WidthZero", model, &SourceFacts::width, 0, "says 0 channels"),
      Told("WidthNegative", model, &SourceFacts::width, -4, "says -4 channels"),
      Told("Ffn", model, &SourceFacts::ffn_width, 14,
           "has shape [16,4], the file says 14 FFN channels"),
      Told("HeadSize", model, &SourceFacts::head_size, 2,
           "has shape [2,3], the file says 2 channels a head"),
      Told("LayersTooMany", model, &SourceFacts::layers, 4,
           "says 4 layers, its tensors are of 3"),
      Told("LayersTooFew", model, &SourceFacts::layers, 2,
           "says 2 layers, its tensors are of 3"),
      Told("LayersHuge", model, &SourceFacts::layers, INT64_MAX,
           "its tensors are of 3"),
  };
  for (double eps : {1e-6, 1.2e-5, 0.0, -1e-5, 1e300}) {
    BadSource source = {"", model, "LayerNorms have an epsilon of",
                        absl::StatusCode::kUnimplemented};
    source.facts.norm_eps = eps;
    bad.push_back(source);
  }
  return bad;
}

class BadSourceTest : public testing::TestWithParam<BadSource> {};

TEST_P(BadSourceTest, IsRefusedInASentence) {
  const RefusalCost cost;
  const absl::Status status =
      Make(GetParam().tensors, GetParam().facts).status();
  EXPECT_EQ(status.code(), GetParam().code) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(Names, BadSourceTest,
                         testing::ValuesIn(SourcesWithBadNames()),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Shapes, BadSourceTest,
                         testing::ValuesIn(SourcesWithBadShapes()),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Facts, BadSourceTest,
                         testing::ValuesIn(SourcesWithBadFacts()));

TEST(TensorCatalogTest, FactsThatAgreeAreFine) {
  SourceFacts facts;
  facts.layers = 1, facts.width = 4, facts.vocabulary_size = 9;
  facts.norm_eps = static_cast<double>(1e-5f);
  EXPECT_TRUE(
      Make({{"emb.weight", {9, 4}}, {"blocks.0.ln1.weight", {4}}}, facts).ok());
}

}  // namespace
}  // namespace oxbow
