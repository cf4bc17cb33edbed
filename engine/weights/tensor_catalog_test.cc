#include "engine/weights/tensor_catalog.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
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
  };
  explicit Counting(const std::vector<Named>& tensors, SourceFacts facts = {})
      : facts_(facts) {
    for (const Named& tensor : tensors) {
      entries_.push_back({tensor.name, DType::kF32, tensor.shape});
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

std::string MessageOf(const std::vector<Counting::Named>& tensors,
                      SourceFacts facts = {}) {
  const absl::Status status = Make(tensors, facts).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
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

TEST(TensorCatalogTest, RefusesOneNameForTwoTensors) {
  EXPECT_EQ(MessageOf({{"emb.weight", {1}}, {"rwkv.emb.weight", {1}}}),
            "emb.weight: is there twice, as emb.weight and as rwkv.emb.weight");
  EXPECT_EQ(MessageOf({{"model.layers.0.attn.r_k", {2, 3}},
                       {"model.layers.1.attn.x_r", {2}},
                       {"model.layers.1.attn.x_x", {6, 2}}}),
            "blocks.1.att.x_r: is there twice, as model.layers.1.attn.x_r and "
            "as model.layers.1.attn.x_x");
}

TEST(TensorCatalogTest, RefusesNamesOfOtherSchemes) {
  const Counting::Named fla = {"model.layers.0.attn.r_k", {2, 3}};
  EXPECT_EQ(MessageOf({fla, {"emb.weight", {2}}}),
            "emb.weight: not one of Hugging Face's (fla) names for RWKV-7");
  EXPECT_EQ(MessageOf({fla, {"model.layers.x.attn.r_k", {2}}}),
            "model.layers.x.attn.r_k: not one of Hugging Face's (fla) names "
            "for RWKV-7");
  EXPECT_EQ(Make({{"model.embeddings.weight", {2}}}).status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST(TensorCatalogTest, RefusesShapesThatCannotHoldTheTensor) {
  const Counting::Named fla = {"model.layers.0.attn.r_k", {2, 3}};
  const Counting::Named gguf = {"blk.0.time_mix_r_k.weight", {6}};
  EXPECT_EQ(MessageOf({fla, {"model.layers.0.attn.x_x", {5, 2}}}),
            "model.layers.0.attn.x_x: want 6 vectors, file has [5,2]");
  EXPECT_EQ(MessageOf({fla, {"model.layers.0.attn.x_x", {6}}}),
            "model.layers.0.attn.x_x: want 6 vectors, file has [6]");
  EXPECT_EQ(MessageOf({fla, {"model.layers.0.attn.w_lora.lora.0.weight", {6}}}),
            "model.layers.0.attn.w_lora.lora.0.weight: want a matrix, file "
            "has [6]");
  EXPECT_THAT(MessageOf({gguf}), HasSubstr("heads have 0 channels"));
  SourceFacts facts;
  for (int64_t size : {int64_t{-1}, int64_t{0}, int64_t{4}, INT64_MIN}) {
    facts.head_size = size;
    EXPECT_THAT(MessageOf({gguf}, facts), HasSubstr("blk.0.time_mix_r_k"));
  }
  facts.rescale_every = -1;
  EXPECT_THAT(MessageOf({{"blk.0.time_mix_lerp_x.weight", {2}},
                         {"blk.0.time_mix_output.weight", {2, 2}}},
                        facts),
              HasSubstr("rescales every -1 layers"));
}

}  // namespace
}  // namespace oxbow
