// A model with adapters is the same model as one whose file has the sums.
#include "engine/weights/merged_tensors.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/weights/open_catalog.h"
#include "engine/weights/testing/refusal_cost.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/blocks.h"
#include "tests/testing/block_quantizer.h"
#include "tests/testing/gguf_writer.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {
namespace {

using testing::HasSubstr;
using Tensors = std::vector<TinyTensor>;

constexpr char kKey[] = "blocks.1.att.key";

std::string PathOf(const std::string& name) {
  return absl::StrCat(testing::TempDir(), "/", name);
}

std::string Write(const Tensors& tensors, const std::string& name,
                  DType dtype = DType::kF32) {
  EXPECT_TRUE(WriteTensors(tensors, dtype, PathOf(name)).ok());
  return PathOf(name);
}

std::vector<float> Numbers(size_t count, uint32_t seed) {
  std::vector<float> numbers(count);
  for (float& number : numbers) {
    seed = seed * 1664525 + 1013904223;
    number = std::ldexp(static_cast<float>(seed >> 8), -24) - 0.5f;
  }
  return numbers;
}

// lora_A and lora_B of the matrix stem.weight [outputs,inputs].
Tensors Pair(const std::string& stem, int64_t outputs, int64_t inputs,
             int64_t rank, uint32_t seed = 1) {
  return {{stem + ".lora_A", {rank, inputs}, Numbers(rank * inputs, seed)},
          {stem + ".lora_B", {outputs, rank}, Numbers(outputs * rank, ~seed)}};
}

const TinyTensor& Named(const Tensors& tensors, const std::string& name) {
  for (const TinyTensor& tensor : tensors) {
    if (tensor.name == name) return tensor;
  }
  ADD_FAILURE() << name;
  return tensors[0];
}

// W + scale B A in double precision.
std::vector<double> Merged(const std::vector<float>& w, const Tensors& pair,
                           double scale) {
  const TinyTensor &a = pair[0], &b = pair[1];
  const int64_t rank = a.shape[0], inputs = a.shape[1];
  std::vector<double> sums(w.begin(), w.end());
  for (size_t i = 0; i < sums.size(); ++i) {
    for (int64_t r = 0; r < rank; ++r) {
      sums[i] += scale * double{b.numbers[i / inputs * rank + r]} *
                 a.numbers[r * inputs + i % inputs];
    }
  }
  return sums;
}

absl::StatusOr<std::string> Bytes(TensorCatalog& catalog,
                                  const std::string& name) {
  std::string bytes(catalog.Find(name)->Bytes(), '\0');
  const absl::Status status = catalog.Read(name, absl::MakeSpan(bytes));
  if (!status.ok()) return status;
  return bytes;
}

std::vector<float> Wide(TensorCatalog& catalog, const std::string& name) {
  const auto bytes = Bytes(catalog, name);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  const TensorEntry& entry = *catalog.Find(name);
  std::vector<float> numbers(entry.Count());
  Dequantize(numbers.data(), bytes->data(), entry.dtype, entry.Count());
  return numbers;
}

TensorCatalog Open(const std::string& path,
                   const std::vector<AdapterFile>& adapters, int threads = 1) {
  auto catalog = OpenCatalog(path, ModelPart::kModel, adapters, threads);
  EXPECT_TRUE(catalog.ok()) << catalog.status();
  return *std::move(catalog);
}

// The largest difference, in units of the tolerance: what summing `rank`
// products in fp32 and rounding to `bits` of mantissa may lose.
void ExpectNear(const std::vector<float>& got, const std::vector<double>& want,
                int rank, double scale, int bits) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const double sum = std::fabs(scale) * rank * 0.25 * (rank + 2) * 0x1p-24;
    const double rounding = std::fabs(want[i]) * std::ldexp(1.0, -bits);
    ASSERT_NEAR(got[i], want[i], sum + rounding) << i;
  }
}

TEST(MergedTensorsTest, AddsTheProductWhateverTheDType) {
  const Tensors model = MakeTinyTensors(TinyModelOptions());
  const Tensors pair = Pair(kKey, 64, 64, 8);
  const std::string lora = Write(pair, "lora.pth");
  for (const auto& [dtype, bits] :
       {std::pair(DType::kF32, 23), std::pair(DType::kF16, 11),
        std::pair(DType::kBF16, 8)}) {
    SCOPED_TRACE(NameOf(dtype));
    const std::string path = Write(model, "m.safetensors", dtype);
    TensorCatalog plain = Open(path, {});
    TensorCatalog merged = Open(path, {{lora, 2.0f}});
    const std::string name = absl::StrCat(kKey, ".weight");
    EXPECT_EQ(merged.Find(name)->dtype, dtype);
    ExpectNear(Wide(merged, name), Merged(Wide(plain, name), pair, 2.0), 8, 2.0,
               bits);
    // All others are as they were.
    ASSERT_EQ(merged.names().size(), plain.names().size());
    for (const auto& [other, stored] : plain.names()) {
      if (other == name) continue;
      EXPECT_EQ(*Bytes(merged, other), *Bytes(plain, other)) << other;
    }
  }
}

TEST(MergedTensorsTest, ThreadsChangeNothing) {
  const std::string path =
      Write(MakeTinyTensors(TinyModelOptions()), "m.pth", DType::kBF16);
  const std::string lora =
      Write(Pair("blocks.0.ffn.key", 256, 64, 16), "lora.safetensors");
  TensorCatalog one = Open(path, {{lora, 0.5f}}, 1);
  TensorCatalog five = Open(path, {{lora, 0.5f}}, 5);
  EXPECT_EQ(*Bytes(one, "blocks.0.ffn.key.weight"),
            *Bytes(five, "blocks.0.ffn.key.weight"));
}

TEST(MergedTensorsTest, BlocksBecomeFp16AndTurnedOnesStay) {
  const Tensors model = MakeTinyTensors(TinyModelOptions());
  GgufModelOptions options;
  options.dtype = DType::kQ8_0;
  options.all_in_dtype = true;
  const std::string gguf = PathOf("m.gguf");
  ASSERT_TRUE(WriteGguf(model, options, gguf).ok());
  const Tensors pair = Pair(kKey, 64, 64, 8);
  TensorCatalog plain = Open(gguf, {});
  TensorCatalog merged = Open(gguf, {{Write(pair, "lora.pth"), 1.0f}});
  const std::string name = absl::StrCat(kKey, ".weight");
  EXPECT_EQ(merged.Find(name)->dtype, DType::kF16);
  ExpectNear(Wide(merged, name), Merged(Wide(plain, name), pair, 1.0), 8, 1.0,
             11);
  int turned = 0;
  for (const auto& [other, stored] : plain.names()) {
    if (other == name) continue;
    EXPECT_EQ(merged.Find(other)->shape, stored.entry.shape);
    EXPECT_EQ(merged.ReadsTransposed(other), plain.ReadsTransposed(other));
    EXPECT_EQ(*Bytes(merged, other), *Bytes(plain, other)) << other;
    turned += plain.ReadsTransposed(other);
  }
  EXPECT_GT(turned, 0);
}

TEST(MergedTensorsTest, SeveralFilesAreSummedBeforeOneRounding) {
  const Tensors model = MakeTinyTensors(TinyModelOptions());
  const std::string path = Write(model, "m.pth", DType::kBF16);
  const Tensors first = Pair(kKey, 64, 64, 4, 1);
  const Tensors second = Pair(kKey, 64, 64, 8, 2);
  TensorCatalog plain = Open(path, {});
  TensorCatalog merged = Open(
      path, {{Write(first, "1.pth"), 0.5f}, {Write(second, "2.pth"), -1.0f}});
  const std::string name = absl::StrCat(kKey, ".weight");
  std::vector<double> want = Merged(Wide(plain, name), first, 0.5);
  const std::vector<double> more =
      Merged(std::vector<float>(want.size()), second, -1.0);
  for (size_t i = 0; i < want.size(); ++i) want[i] += more[i];
  ExpectNear(Wide(merged, name), want, 12, 1.0, 8);
}

TEST(MergedTensorsTest, WholeTensorsTakeTheModelsPlace) {
  const Tensors model = MakeTinyTensors(TinyModelOptions());
  const std::string path = Write(model, "m.pth", DType::kBF16);
  Tensors adapter = Pair(absl::StrCat("model.", kKey), 64, 64, 4);
  adapter.push_back({"model.blocks.0.ln1.weight", {1, 1, 64}, Numbers(64, 5)});
  adapter.push_back(
      {absl::StrCat("model.", kKey, ".weight"), {64, 64}, Numbers(64 * 64, 6)});
  adapter.push_back(
      {"blocks.0.att.time_state", {4, 16, 16}, Numbers(4 * 16 * 16, 7)});
  const std::string lora = Write(adapter, "lora.safetensors", DType::kF32);
  TensorCatalog merged = Open(path, {{lora, 2.0f}});
  EXPECT_EQ(Wide(merged, "blocks.0.ln1.weight"), adapter[2].numbers);
  EXPECT_EQ(Wide(merged, "blocks.0.att.time_state"), adapter[4].numbers);
  const std::string name = absl::StrCat(kKey, ".weight");
  EXPECT_EQ(merged.Find(name)->dtype, DType::kF32);
  ExpectNear(Wide(merged, name), Merged(adapter[3].numbers, adapter, 2.0), 4,
             2.0, 23);
  // A later file's tensor takes what an earlier one has changed.
  Tensors later = Pair("blocks.0.att.value", 64, 64, 4);
  later.push_back(Named(model, name));
  TensorCatalog again =
      Open(path, {{lora, 2.0f}, {Write(later, "2.safetensors"), 1.0f}});
  EXPECT_EQ(Wide(again, name), later[2].numbers);
}

struct BadAdapter {
  std::string name;
  Tensors tensors;
  std::string message;
};

std::vector<BadAdapter> BadAdapters() {
  const Tensors good = Pair(kKey, 64, 64, 8);
  const auto with = [&](TinyTensor more) {
    Tensors tensors = good;
    tensors.push_back(std::move(more));
    return tensors;
  };
  const auto changed = [&](int which, std::vector<int64_t> shape) {
    Tensors tensors = good;
    int64_t count = 1;
    for (int64_t dimension : shape) count *= dimension;
    tensors[which].shape = std::move(shape);
    tensors[which].numbers.resize(count);
    return tensors;
  };
  const auto number = [&](int which, float value) {
    Tensors tensors = good;
    tensors[which].numbers[3] = value;
    return tensors;
  };
  const float infinity = std::numeric_limits<float>::infinity();
  const std::string key = kKey;
  return {
      {"NoPair",
       {{"ln_out.weight", {64}, Numbers(64, 1)}},
       "no adapter: has neither a lora_A nor a time_state"},
      {"NoA", {good[1]}, key + ".lora_B: has no lora_A beside it"},
      {"NoB", {good[0]}, key + ".lora_A: has no lora_B beside it"},
      {"OtherModel", Pair("blocks.7.att.key", 64, 64, 8),
       "blocks.7.att.key.lora_A: the model has no blocks.7.att.key.weight"},
      {"NoSuchTensor", with({"blocks.0.att.foo", {4}, Numbers(4, 1)}),
       "blocks.0.att.foo: the model has no such tensor"},
      {"OtherInputs", Pair(kKey, 64, 32, 8),
       "changes a matrix [64,32], and blocks.1.att.key.weight is [64,64]"},
      {"OtherOutputs", Pair(kKey, 65, 64, 8), "changes a matrix [65,64]"},
      {"OtherRanks", changed(0, {4, 64}),
       "want [rank,inputs], and [outputs,rank] in its lora_B; file has [4,64] "
       "and [64,8]"},
      {"Vectors", changed(0, {512}), "want [rank,inputs]"},
      {"RankPastTheMatrix", Pair(kKey, 64, 64, 65),
       "has rank 65, more than blocks.1.att.key.weight [64,64] can have"},
      {"NotAMatrix", Pair("blocks.0.ln1", 64, 1, 1),
       "changes a matrix [64,1], and blocks.0.ln1.weight is [64]"},
      {"NoRank", changed(0, {0, 64}), "dimension 0 is not in 1"},
      {"OtherShape", with({"blocks.0.ln1.weight", {65}, Numbers(65, 1)}),
       "blocks.0.ln1.weight: want [64] as the model has, file has [65]"},
      {"Twice",
       with(
           {absl::StrCat("model.", kKey, ".lora_A"), {8, 64}, Numbers(512, 1)}),
       ".lora_A: is there twice"},
      {"NaN", number(0, std::nanf("")),
       key + ".lora_A: holds a NaN or an infinity"},
      {"Infinity", number(1, -infinity),
       key + ".lora_B: holds a NaN or an infinity"},
      {"Overflow", number(1, 3e38f),
       "blocks.1.att.key.weight: with its adapter it has numbers that are no "
       "finite bf16"},
      {"Pissa", with({key + ".init_lora_A", {8, 64}, Numbers(512, 1)}),
       "the first state of a PiSSA training"},
      {"Disha", {{key + ".disha", {8, 64}, Numbers(512, 1)}}, "DiSHA"},
      {"Bone", {{key + ".bone", {8, 64}, Numbers(512, 1)}}, "Bone"},
      {"HuggingFace",
       Pair("base_model.model.model.layers.0.attn.r_proj", 64, 64, 8),
       "an adapter of Hugging Face's PEFT, which Oxbow does not read"},
      {"HuggingFaceSuffix",
       {{key + ".lora_A.weight", {8, 64}, Numbers(512, 1)}},
       "an adapter of Hugging Face's PEFT"},
  };
}

class BadAdapterTest : public testing::TestWithParam<BadAdapter> {};

TEST_P(BadAdapterTest, IsRefusedInOneSentence) {
  const BadAdapter& bad = GetParam();
  for (const char* ending : {".safetensors", ".pth"}) {
    const std::string path =
        Write(MakeTinyTensors(TinyModelOptions()), "m.pth", DType::kBF16);
    const std::string lora = Write(bad.tensors, bad.name + ending);
    const RefusalCost cost;
    auto catalog = OpenCatalog(path, ModelPart::kModel, {{lora, 8.0f}}, 2);
    absl::Status status = catalog.status();
    if (status.ok()) {
      status = Bytes(*catalog, absl::StrCat(kKey, ".weight")).status();
    }
    ASSERT_FALSE(status.ok());
    const std::string message(status.message());
    EXPECT_THAT(message, HasSubstr(bad.message));
    EXPECT_THAT(message, testing::Not(HasSubstr("\n")));
    if (bad.name != "Overflow") {
      EXPECT_THAT(message, HasSubstr(lora));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, BadAdapterTest, testing::ValuesIn(BadAdapters()),
                         [](const auto& info) { return info.param.name; });

TEST(MergedTensorsTest, AMissingFileIsNotFound) {
  const std::string path =
      Write(MakeTinyTensors(TinyModelOptions()), "m.pth", DType::kBF16);
  const absl::Status status =
      OpenCatalog(path, ModelPart::kModel, {{"/no/such.pth", 1.0f}}, 1)
          .status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("/no/such.pth"));
}

}  // namespace
}  // namespace oxbow
