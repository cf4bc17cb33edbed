// A model with a LoRA merged while it is loaded is the model whose file has
// the sums: the same id, the same logits, bit for bit, in every version.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "engine/model/load_model.h"
#include "engine/model/testing/load_tiny.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

constexpr int kRank = 4;
constexpr float kScale = 0.5f;

// Multiples of 2^-6 below 1/8: sums of their products are exact in fp32.
std::vector<float> Steps(size_t count, uint32_t seed) {
  std::vector<float> steps(count);
  for (float& step : steps) {
    seed = seed * 1664525 + 1013904223;
    step = (static_cast<int>(seed >> 28) - 8) / 64.0f;
  }
  return steps;
}

// A pair for every matrix of the layers and the head, and norms of its own.
Tensors MakeLora(const Tensors& model) {
  Tensors lora;
  for (const TinyTensor& tensor : model) {
    absl::string_view stem = tensor.name;
    if (!absl::ConsumeSuffix(&stem, ".weight") || tensor.shape.size() != 2 ||
        stem == "emb") {
      continue;
    }
    const int64_t outputs = tensor.shape[0], inputs = tensor.shape[1];
    const uint32_t seed = lora.size();
    lora.push_back({absl::StrCat(stem, ".lora_A"),
                    {kRank, inputs},
                    Steps(kRank * inputs, seed)});
    lora.push_back({absl::StrCat(stem, ".lora_B"),
                    {outputs, kRank},
                    Steps(outputs * kRank, seed + 1)});
  }
  lora.push_back({"blocks.1.ln1.weight", {64}, Steps(64, 77)});
  return lora;
}

// What the file of the merged model holds.
Tensors Merge(Tensors model, Tensors lora) {
  for (TinyTensor& tensor : model) {
    absl::string_view stem = tensor.name;
    absl::ConsumeSuffix(&stem, ".weight");
    for (const TinyTensor& change : lora) {
      if (change.name == tensor.name) tensor.numbers = change.numbers;
      if (change.name != absl::StrCat(stem, ".lora_A")) continue;
      const auto& b = Named(lora, absl::StrCat(stem, ".lora_B")).numbers;
      const int64_t inputs = tensor.shape[1];
      for (size_t i = 0; i < tensor.numbers.size(); ++i) {
        double sum = 0;
        for (int r = 0; r < kRank; ++r) {
          sum += double{b[i / inputs * kRank + r]} *
                 change.numbers[r * inputs + i % inputs];
        }
        tensor.numbers[i] =
            static_cast<float>(tensor.numbers[i] + kScale * sum);
      }
    }
  }
  return model;
}

class LoraTest : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Model> LoadWith(const std::string& file,
                                  std::vector<AdapterFile> adapters,
                                  WeightPrecision precision) {
    LoadModelOptions options;
    options.threads = 2;
    options.slots_max = 2;
    options.adapters = std::move(adapters);
    options.precision = precision;
    auto model = LoadModel(PathOf(file), options);
    EXPECT_TRUE(model.ok()) << model.status();
    return *std::move(model);
  }

  std::vector<float> LogitsOf(Model& model) {
    const std::vector<float> hidden =
        Read(model, *model.NewState(), {1, 2, 3, 200});
    std::vector<float> logits(model.info().vocabulary_size);
    model.Logits(hidden, absl::MakeSpan(logits));
    return logits;
  }
};

TEST_P(LoraTest, IsTheModelOfTheSums) {
  TinyModelOptions options;
  options.version = GetParam();
  options.dtype = DType::kBF16;
  Tensors model = MakeTinyTensors(options);
  // What the file holds is what is changed: bf16 numbers.
  for (TinyTensor& tensor : model) {
    for (float& number : tensor.numbers) {
      uint32_t bits;
      std::memcpy(&bits, &number, sizeof(bits));
      bits &= 0xffff0000;
      std::memcpy(&number, &bits, sizeof(bits));
    }
  }
  const Tensors lora = MakeLora(model);
  ASSERT_TRUE(WriteTensors(model, DType::kBF16, PathOf("m.pth")).ok());
  ASSERT_TRUE(WriteTensors(lora, DType::kBF16, PathOf("lora.pth")).ok());
  ASSERT_TRUE(
      WriteTensors(Merge(model, lora), DType::kBF16, PathOf("sum.pth")).ok());
  for (const WeightPrecision precision :
       {WeightPrecision::kAsStored, WeightPrecision::kInt8,
        WeightPrecision::kInt4}) {
    const auto plain = LoadWith("m.pth", {}, precision);
    const auto merged =
        LoadWith("m.pth", {{PathOf("lora.pth"), kScale}}, precision);
    const auto sums = LoadWith("sum.pth", {}, precision);
    EXPECT_EQ(merged->info().weights_id, sums->info().weights_id);
    EXPECT_NE(merged->info().weights_id, plain->info().weights_id);
    EXPECT_EQ(LogitsOf(*merged), LogitsOf(*sums));
    EXPECT_NE(LogitsOf(*merged), LogitsOf(*plain));
    EXPECT_THAT(merged->info().adapters, testing::ElementsAre("lora.pth:0.5"));
    EXPECT_TRUE(plain->info().adapters.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Versions, LoraTest, testing::Values("4", "5.0", "5.2", "6", "7"),
    [](const auto& info) {
      return "Rwkv" + absl::StrReplaceAll(info.param, {{".", "_"}});
    });

TEST(LoraOfATunedStateTest, TheVersionSaysWhetherItHasOne) {
  const Tensors state = {
      {"blocks.0.att.time_state", {4, 16, 16}, Steps(1024, 1)}};
  ASSERT_TRUE(WriteTensors(state, DType::kF32, PathOf("state.pth")).ok());
  for (const char* version : {"4", "7"}) {
    TinyModelOptions tiny;
    tiny.version = version;
    ASSERT_TRUE(WriteTinyModel(tiny, PathOf("m.pth")).ok());
    LoadModelOptions options;
    options.adapters = {{PathOf("state.pth"), 1.0f}};
    const absl::Status status = LoadModel(PathOf("m.pth"), options).status();
    EXPECT_THAT(std::string(status.message()),
                testing::HasSubstr("time_state"));
  }
}

}  // namespace
}  // namespace oxbow
