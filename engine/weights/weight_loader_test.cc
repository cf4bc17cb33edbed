#include "engine/weights/weight_loader.h"

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/quantize_blocks.h"
#include "kernels/testing/random_floats.h"

namespace oxbow {
namespace {

using testing::ElementsAre;

// Tensors in memory.
class MemorySource : public TensorSource {
 public:
  void Add(TensorEntry entry, std::string bytes) {
    entries_.push_back(std::move(entry));
    bytes_.push_back(std::move(bytes));
  }
  absl::Span<const TensorEntry> entries() const override { return entries_; }
  absl::Status Read(int index, absl::Span<char> bytes) override {
    if (bytes_[index].size() != bytes.size()) {
      return absl::InvalidArgumentError("cannot be read");
    }
    std::memcpy(bytes.data(), bytes_[index].data(), bytes.size());
    return absl::OkStatus();
  }

 private:
  std::vector<TensorEntry> entries_;
  std::vector<std::string> bytes_;
};

std::string Halves(const std::vector<uint16_t>& numbers) {
  return std::string(reinterpret_cast<const char*>(numbers.data()),
                     numbers.size() * 2);
}

class WeightLoaderTest : public testing::Test {
 protected:
  WeightLoaderTest()
      : ops_(*CpuOps::Create(1)), source_(absl::make_unique<MemorySource>()) {}

  void Add(const char* name, DType dtype, std::vector<int64_t> shape,
           const std::vector<uint16_t>& numbers) {
    source_->Add({name, dtype, std::move(shape)}, Halves(numbers));
  }
  WeightLoader& Load(WeightPrecision precision = WeightPrecision::kAsStored) {
    catalog_ = absl::make_unique<TensorCatalog>(
        *TensorCatalog::Make(std::move(source_)));
    loader_ = absl::make_unique<WeightLoader>(catalog_.get(), ops_.get(),
                                              nullptr, precision);
    return *loader_;
  }
  static std::vector<float> NumbersOf(const Vector& vector) {
    return std::vector<float>(vector.data, vector.data + vector.size);
  }

  std::unique_ptr<Ops> ops_;
  std::unique_ptr<MemorySource> source_;
  std::unique_ptr<TensorCatalog> catalog_;
  std::unique_ptr<WeightLoader> loader_;
};

TEST_F(WeightLoaderTest, WidensEveryKindOfHalf) {
  Add("h", DType::kF16, {1, 1, 8},
      {0x0000, 0x8000, 0x0001, 0x83ff, 0x0400, 0x3c00, 0xc248, 0x7bff});
  Add("b", DType::kBF16, {3}, {0x3f80, 0x8001, 0x7f7f});
  WeightLoader& loader = Load();
  EXPECT_THAT(
      NumbersOf(loader.GetVector("h", {8})),
      ElementsAre(0.0f, -0.0f, 5.9604644775390625e-8f, -6.097555160522461e-5f,
                  6.103515625e-5f, 1.0f, -3.140625f, 65504.0f));
  EXPECT_THAT(
      NumbersOf(loader.GetVector("b", {3})),
      ElementsAre(1.0f, -9.183549615799121e-41f, 3.3895313892515355e38f));
  EXPECT_TRUE(loader.Finish().ok());
  EXPECT_EQ(loader.parameters(), 11);
  EXPECT_EQ(loader.main_dtype(), DType::kF16);
}

TEST_F(WeightLoaderTest, FirstErrorStays) {
  Add("a", DType::kBF16, {2}, {1, 2});
  Add("broken", DType::kBF16, {2}, {1});
  WeightLoader& loader = Load();
  EXPECT_EQ(loader.GetVector("a", {3}).size, 0);
  EXPECT_EQ(loader.GetVector("a", {2}).size, 0) << "nothing more is read";
  EXPECT_EQ(loader.GetMatrix("none", 2, 2).outputs, 0);
  EXPECT_EQ(loader.GetTable("none", 2, 2).rows, 0);
  EXPECT_EQ(loader.GetTransposed("none", 2, 2).outputs, 0);
  EXPECT_EQ(loader.Finish().message(), "a: want [3], file has [2]");
}

TEST_F(WeightLoaderTest, ReadErrorsAreHandedOn) {
  Add("broken", DType::kBF16, {2}, {1});
  WeightLoader& loader = Load();
  loader.GetVector("broken", {2});
  EXPECT_EQ(loader.Finish().message(), "cannot be read");
}

TEST_F(WeightLoaderTest, RefusesWhatNobodyAskedFor) {
  Add("a", DType::kBF16, {2}, {1, 2});
  Add("b", DType::kBF16, {2}, {1, 2});
  WeightLoader& loader = Load();
  loader.GetVector("a", {2});
  EXPECT_EQ(loader.Finish().code(), absl::StatusCode::kInvalidArgument);
  loader.Ignore("b");
  EXPECT_TRUE(loader.Finish().ok());
}

TEST_F(WeightLoaderTest, FindsNanAndInfinityInEveryDtype) {
  const std::pair<DType, uint16_t> bad[] = {{DType::kF16, 0x7c00},
                                            {DType::kF16, 0xfe00},
                                            {DType::kBF16, 0x7f80},
                                            {DType::kBF16, 0xffc1}};
  for (const auto& [dtype, bits] : bad) {
    source_ = absl::make_unique<MemorySource>();
    Add("a", dtype, {2}, {1, bits});
    WeightLoader& loader = Load();
    loader.GetVector("a", {2});
    EXPECT_EQ(loader.Finish().message(), "a: holds a NaN or an infinity");
  }
  source_ = absl::make_unique<MemorySource>();
  source_->Add({"a", DType::kF32, {1}}, Halves({0, 0x7f80}));
  WeightLoader& loader = Load();
  loader.GetVector("a", {1});
  EXPECT_FALSE(loader.Finish().ok());
}

TEST_F(WeightLoaderTest, IdDependsOnNameShapeDtypeAndNumbers) {
  const auto id_of = [&](const char* name, DType dtype,
                         std::vector<int64_t> shape, uint16_t last) {
    source_ = absl::make_unique<MemorySource>();
    Add(name, dtype, shape, {1, 2, 3, last});
    WeightLoader& loader = Load();
    loader.GetMatrix(name, static_cast<int>(shape[0]),
                     static_cast<int>(shape[1]));
    EXPECT_TRUE(loader.Finish().ok()) << loader.Finish();
    return loader.weights_id();
  };
  const Digest id = id_of("a", DType::kBF16, {2, 2}, 4);
  EXPECT_EQ(id_of("a", DType::kBF16, {2, 2}, 4), id);
  EXPECT_NE(id_of("b", DType::kBF16, {2, 2}, 4), id);
  EXPECT_NE(id_of("a", DType::kF16, {2, 2}, 4), id);
  EXPECT_NE(id_of("a", DType::kBF16, {4, 1}, 4), id);
  EXPECT_NE(id_of("a", DType::kBF16, {2, 2}, 5), id);
}

// The numbers of a matrix, by what it makes of unit vectors.
std::vector<float> ColumnsOf(Ops& ops, const Matrix& matrix) {
  const int rows = matrix.inputs;
  Buffer in = *ops.Allocate(rows * rows);
  Buffer out = *ops.Allocate(rows * matrix.outputs);
  const Rows x = {in.data(), rows, rows, rows};
  const Rows y = {out.data(), rows, matrix.outputs, matrix.outputs};
  for (int i = 0; i < rows; ++i) {
    std::vector<float> unit(rows, 0.0f);
    unit[i] = 1.0f;
    ops.Write(x.row(i), unit);
  }
  ops.Multiply({{y, x, matrix}});
  std::vector<float> numbers(rows * matrix.outputs);
  ops.Read(absl::MakeSpan(numbers), y.data);
  return numbers;
}

TEST_F(WeightLoaderTest, ChangesNumbersOnTheirWay) {
  Add("a", DType::kBF16, {2}, {0x3f80, 0x4000});
  Add("b", DType::kBF16, {2}, {0x3f80, 0x4000});
  WeightLoader& loader = Load();
  const auto halve = [](std::vector<float> numbers) {
    for (float& number : numbers) number /= 2;
    numbers.push_back(7.0f);
    return numbers;
  };
  EXPECT_THAT(NumbersOf(loader.GetVector("a", {2}, halve)),
              ElementsAre(0.5f, 1.0f, 7.0f));
  EXPECT_THAT(loader.GetNumbers("b", {1, 2}), ElementsAre(1.0f, 2.0f));
  const auto overflow = [](std::vector<float> numbers) {
    for (float& number : numbers) number *= 3e38f;
    return numbers;
  };
  EXPECT_EQ(loader.GetVector("a", {2}, overflow).size, 0);
  EXPECT_THAT(loader.GetNumbers("b", {2}), ElementsAre());
  EXPECT_EQ(loader.Finish().message(), "a: its numbers become infinite in use");
}

TEST_F(WeightLoaderTest, PartsAreMatricesOfTheirOwn) {
  std::vector<uint16_t> numbers;
  for (int i = 0; i < 2 * 2 * 3; ++i) numbers.push_back(0x3f80 + 16 * i);
  Add("w", DType::kBF16, {2, 2, 3}, numbers);
  Add("w0", DType::kBF16, {2, 3}, {numbers.begin(), numbers.begin() + 6});
  Add("w1", DType::kBF16, {2, 3}, {numbers.begin() + 6, numbers.end()});
  WeightLoader& loader = Load();
  const std::vector<Matrix> parts = loader.GetTransposedParts("w", 2, 2, 3);
  ASSERT_EQ(parts.size(), 2u);
  for (int part : {0, 1}) {
    const Matrix alone = loader.GetTransposed(part == 0 ? "w0" : "w1", 2, 3);
    EXPECT_EQ(ColumnsOf(*ops_, parts[part]), ColumnsOf(*ops_, alone));
  }
  EXPECT_TRUE(loader.Finish().ok()) << loader.Finish();
  EXPECT_TRUE(loader.GetTransposedParts("w", 3, 2, 3).empty());
}

// A file that holds w1 as BlinkDL's do, [inputs, outputs], and one that holds
// the transpose, as fla's do.
TEST_F(WeightLoaderTest, TransposedInTheFileMakesNoDifference) {
  std::vector<uint16_t> straight(2 * 3), transposed(2 * 3);
  for (int i = 0; i < 2; ++i) {
    for (int o = 0; o < 3; ++o) {
      straight[i * 3 + o] = transposed[o * 2 + i] = 0x3f80 + 16 * (i * 3 + o);
    }
  }
  const auto load = [&](const char* name, const std::vector<int64_t>& shape,
                        const std::vector<uint16_t>& numbers, Digest* id) {
    source_ = absl::make_unique<MemorySource>();
    Add("model.layers.0.attn.r_k", DType::kBF16, {1}, {1});
    if (absl::StartsWith(name, "blocks")) {
      source_ = absl::make_unique<MemorySource>();
      Add("blocks.0.att.r_k", DType::kBF16, {1}, {1});
    }
    Add(name, DType::kBF16, shape, numbers);
    WeightLoader& loader = Load();
    loader.GetVector("blocks.0.att.r_k", {1});
    const Matrix matrix = loader.GetTransposed("blocks.0.att.w1", 2, 3);
    EXPECT_TRUE(loader.Finish().ok()) << loader.Finish();
    *id = loader.weights_id();
    return ColumnsOf(*ops_, matrix);
  };
  Digest id, other;
  EXPECT_EQ(load("blocks.0.att.w1", {2, 3}, straight, &id),
            load("model.layers.0.attn.w_lora.lora.0.weight", {3, 2}, transposed,
                 &other));
  EXPECT_EQ(id, other);
}

TEST_F(WeightLoaderTest, BlocksAlongTheInputsStayAsTheyAre) {
  std::string blocks(3 * 34, '\0');
  for (size_t i = 0; i < blocks.size(); ++i) blocks[i] = i % 34 < 2 ? 40 : i;
  source_->Add({"model.layers.0.attn.r_k", DType::kQ8_0, {3, 32}}, blocks);
  source_->Add(
      {"model.layers.0.attn.w_lora.lora.0.weight", DType::kQ8_0, {3, 32}},
      blocks);
  WeightLoader& loader = Load();
  const auto straight =
      ColumnsOf(*ops_, loader.GetMatrix("blocks.0.att.r_k", /*outputs=*/3, 32));
  EXPECT_EQ(ColumnsOf(*ops_, loader.GetTransposed("blocks.0.att.w1",
                                                  /*inputs=*/32, 3)),
            straight);
  const Vector turned = loader.GetVector("blocks.0.att.w1", {32, 3});
  EXPECT_EQ(NumbersOf(turned), straight);
  EXPECT_TRUE(loader.Finish().ok()) << loader.Finish();
}

// Quantizing while loading is loading a file of such blocks: not the same
// model as the original.
TEST_F(WeightLoaderTest, QuantizesAsAskedAndSaysSo) {
  const std::vector<float> numbers = RandomFloats(3 * 64, 1);
  const std::string plain(reinterpret_cast<const char*>(numbers.data()),
                          numbers.size() * sizeof(float));
  const auto id_of = [&](DType dtype, const std::string& bytes,
                         WeightPrecision precision, DType want) {
    source_ = absl::make_unique<MemorySource>();
    source_->Add({"head.weight", dtype, {3, 64}}, bytes);
    source_->Add({"ln_out.weight", DType::kF32, {64}}, plain.substr(0, 256));
    WeightLoader& loader = Load(precision);
    EXPECT_EQ(loader.GetMatrix("head.weight", 3, 64).dtype, want);
    loader.GetVector("ln_out.weight", {64});
    EXPECT_TRUE(loader.Finish().ok()) << loader.Finish();
    EXPECT_EQ(loader.main_dtype(), want);
    EXPECT_EQ(loader.parameters(), 4 * 64);
    return loader.weights_id();
  };
  const Digest stored =
      id_of(DType::kF32, plain, WeightPrecision::kAsStored, DType::kF32);
  for (const auto& [precision, dtype] :
       {std::pair(WeightPrecision::kInt8, DType::kQ8_0),
        std::pair(WeightPrecision::kInt4, DType::kQ4_0)}) {
    const Digest id = id_of(DType::kF32, plain, precision, dtype);
    EXPECT_NE(id, stored);
    std::string blocks(BytesOf(dtype, 3 * 64), 0);
    QuantizeBlocks(&blocks[0], numbers.data(), dtype, 3 * 64);
    EXPECT_EQ(id_of(dtype, blocks, WeightPrecision::kAsStored, dtype), id);
  }
}

TEST_F(WeightLoaderTest, ABlocksScaleThatIsNoNumberIsRefused) {
  std::string block(18, 1);
  block[1] = 0x7c;
  source_->Add({"head.weight", DType::kQ4_0, {1, 32}}, block);
  WeightLoader& loader = Load();
  loader.GetMatrix("head.weight", 1, 32);
  EXPECT_EQ(loader.Finish().message(),
            "head.weight: holds a NaN or an infinity");
}

}  // namespace
}  // namespace oxbow
