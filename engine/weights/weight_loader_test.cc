#include "engine/weights/weight_loader.h"

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/cpu/cpu_ops.h"

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
  WeightLoader& Load() {
    catalog_ = absl::make_unique<TensorCatalog>(
        *TensorCatalog::Make(std::move(source_)));
    loader_ =
        absl::make_unique<WeightLoader>(catalog_.get(), ops_.get(), nullptr);
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

}  // namespace
}  // namespace oxbow
