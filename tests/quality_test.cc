// Our own quantization and fast numerics leave the trained generator what it
// is: text it never saw costs it hardly more. docs/weights.md has the figures
// on 451 KB.
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/model/load_model.h"
#include "engine/tokenizer/tokenizer.h"
#include "gtest/gtest.h"
#include "kernels/cpu/half_product.h"
#include "tests/bench/stream_nats.h"

namespace oxbow {
namespace {

constexpr char kModel[] = "models/oxbow-tiny-generator.safetensors";

// Nats of a page of ours, which is younger than the model.
double NatsWith(WeightPrecision precision, const std::string& dtype,
                Numerics numerics = Numerics::kExact) {
  LoadModelOptions options;
  options.precision = precision;
  options.numerics = numerics;
  const auto model = LoadModel(kModel, options);
  EXPECT_TRUE(model.ok()) << model.status();
  EXPECT_EQ((*model)->info().weights_dtype, dtype);
  const auto tokenizer =
      MakeTokenizer("", kModel, (*model)->info().vocabulary_size);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  std::ifstream file("docs/life_of_a_chunk.md");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_GT(text.size(), 4000u);
  text.resize(4000);
  std::vector<int> tokens = Tokenize(**tokenizer, text);
  tokens.insert(tokens.begin(), (*tokenizer)->end_of_document());
  return *StreamNats(**model, tokens);
}

TEST(QualityTest, QuantizingCostsLittle) {
  const double stored = NatsWith(WeightPrecision::kAsStored, "bf16");
  const double int8 = NatsWith(WeightPrecision::kInt8, "q8_0");
  const double int4 = NatsWith(WeightPrecision::kInt4, "q4_0");
  EXPECT_NEAR(int8 / stored, 1.0, 0.003);
  EXPECT_LT(int4 / stored, 1.03);
  EXPECT_NE(int8, stored);
  EXPECT_GT(int4, int8);
}

TEST(QualityTest, FastNumericsCostLittle) {
  if (!HasHalfProduct()) GTEST_SKIP() << "this CPU lacks AVX-512 BF16";
  const double exact = NatsWith(WeightPrecision::kAsStored, "bf16");
  const double fast =
      NatsWith(WeightPrecision::kAsStored, "bf16", Numerics::kFast);
  EXPECT_NEAR(fast / exact, 1.0, 0.001);
  EXPECT_NE(fast, exact);
}

}  // namespace
}  // namespace oxbow
