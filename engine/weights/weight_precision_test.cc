#include "engine/weights/weight_precision.h"

#include "gtest/gtest.h"

namespace oxbow {
namespace {

constexpr WeightPrecision kStored = WeightPrecision::kAsStored,
                          kInt8 = WeightPrecision::kInt8,
                          kInt4 = WeightPrecision::kInt4;

DType Kept(const char* name, WeightPrecision precision,
           DType stored = DType::kBF16, int columns = 64) {
  return KeptAs({name, stored, {128, columns}}, precision);
}

TEST(WeightPrecisionTest, LargeMatricesAreQuantized) {
  for (const char* name :
       {"blocks.0.att.receptance.weight", "blocks.11.att.key.weight",
        "blocks.0.att.value.weight", "blocks.0.att.gate.weight",
        "blocks.0.att.output.weight", "blocks.0.ffn.key.weight",
        "blocks.0.ffn.receptance.weight", "blocks.0.ffn.value.weight",
        "head.weight"}) {
    EXPECT_EQ(Kept(name, kStored), DType::kBF16) << name;
    EXPECT_EQ(Kept(name, kInt8), DType::kQ8_0) << name;
    EXPECT_EQ(Kept(name, kInt4), DType::kQ4_0) << name;
  }
  EXPECT_EQ(Kept("emb.weight", kStored), DType::kBF16);
  EXPECT_EQ(Kept("emb.weight", kInt8), DType::kQ8_0);
  EXPECT_EQ(Kept("emb.weight", kInt4), DType::kQ8_0);
}

TEST(WeightPrecisionTest, TheRestStays) {
  for (const char* name :
       {"blocks.0.att.w1", "blocks.0.att.w2", "blocks.0.att.g1",
        "blocks.0.att.time_maa_w1", "blocks.0.att.time_maa_w2",
        "blocks.0.att.time_decay_w1", "blocks.0.att.r_k",
        "blocks.0.att.time_faaaa", "blocks.0.att.time_decay",
        "blocks.0.ln1.weight", "blocks.0.att.ln_x.weight", "ln_out.weight",
        "head.retr_head.fc1.weight", "head.sts_head.fc2.weight",
        "blocks.0.att.time_state"}) {
    EXPECT_EQ(Kept(name, kInt8), DType::kBF16) << name;
    EXPECT_EQ(Kept(name, kInt4), DType::kBF16) << name;
  }
}

TEST(WeightPrecisionTest, OnlyWholeBlocksAndOnlyIfItGains) {
  EXPECT_EQ(Kept("head.weight", kInt8, DType::kF32, 72), DType::kF32);
  EXPECT_EQ(Kept("head.weight", kInt8, DType::kF32), DType::kQ8_0);
  EXPECT_EQ(Kept("head.weight", kInt8, DType::kQ8_0), DType::kQ8_0);
  EXPECT_EQ(Kept("head.weight", kInt4, DType::kQ8_0), DType::kQ4_0);
  for (DType few : {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
                    DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    EXPECT_EQ(Kept("head.weight", kInt8, few, 256), few);
    EXPECT_EQ(Kept("head.weight", kInt4, few, 256), few);
  }
}

}  // namespace
}  // namespace oxbow
