#include "engine/weights/rwkv_cpp.h"

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/weights/testing/damage.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/blocks.h"
#include "tests/fuzz/memory_file.h"
#include "tests/testing/block_quantizer.h"
#include "tests/testing/rwkv_cpp_writer.h"

namespace oxbow {
namespace {

using testing::ElementsAre;

absl::StatusOr<std::unique_ptr<TensorSource>> Open(const RwkvCppFile& file) {
  EXPECT_TRUE(LooksLikeRwkvCpp(MemoryFile(file.Bytes())));
  return OpenRwkvCpp(MemoryFile(file.Bytes()));
}

std::vector<float> RandomNumbers(size_t count) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(count);
  for (float& number : numbers) number = normal(random);
  return numbers;
}

// The named tensor as fp32.
std::vector<float> Floats(TensorSource& source, const std::string& name) {
  for (size_t i = 0; i < source.entries().size(); ++i) {
    const TensorEntry& entry = source.entries()[i];
    if (entry.name != name) continue;
    std::vector<char> bytes(entry.Bytes());
    EXPECT_TRUE(source.Read(static_cast<int>(i), absl::MakeSpan(bytes)).ok());
    std::vector<float> floats(entry.Count());
    Dequantize(floats.data(), bytes.data(), entry.dtype, entry.Count());
    return floats;
  }
  ADD_FAILURE() << "no " << name;
  return {};
}

RwkvCppFile Model(std::vector<TinyTensor> tensors, RwkvCppOptions options) {
  tensors.insert(tensors.begin(), {"emb.weight", {4, 32}, RandomNumbers(128)});
  return MakeRwkvCpp(tensors, options);
}

TEST(RwkvCppTest, ReadsTensorsRowMajor) {
  auto source =
      Open(Model({{"blocks.0.ln1.weight", {32}, RandomNumbers(32)},
                  {"blocks.0.att.key.weight", {2, 32}, RandomNumbers(64)}},
                 {101, DType::kF16}));
  ASSERT_TRUE(source.ok()) << source.status();
  const auto entries = (*source)->entries();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].name, "emb.weight");
  EXPECT_THAT(entries[0].shape, ElementsAre(4, 32));
  EXPECT_EQ(entries[0].dtype, DType::kF16);
  EXPECT_EQ(entries[1].dtype, DType::kF32);
  EXPECT_THAT(entries[2].shape, ElementsAre(2, 32));
  EXPECT_EQ(Floats(**source, "blocks.0.ln1.weight"), RandomNumbers(32));
  const SourceFacts facts = (*source)->facts();
  EXPECT_EQ(facts.vocabulary_size, 4);
  EXPECT_EQ(facts.width, 32);
  EXPECT_EQ(facts.layers, 1);
}

// The same numbers in the layouts of both versions are the same numbers.
TEST(RwkvCppTest, OldBlocksBecomeTodays) {
  const std::vector<float> numbers = RandomNumbers(64 * 128);
  const std::string name = "blocks.0.att.key.weight";
  for (DType dtype :
       {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0}) {
    const std::vector<TinyTensor> tensors = {{name, {64, 128}, numbers}};
    auto old_source = Open(Model(tensors, {100, dtype}));
    auto new_source = Open(Model(tensors, {101, dtype}));
    ASSERT_TRUE(old_source.ok()) << old_source.status();
    ASSERT_TRUE(new_source.ok()) << new_source.status();
    EXPECT_EQ((*old_source)->entries()[1].dtype, dtype);
    const std::vector<float> now = Floats(**new_source, name);
    EXPECT_EQ(Floats(**old_source, name), now) << NameOf(dtype);
    for (size_t i = 0; i < numbers.size(); ++i) {
      ASSERT_NEAR(now[i], numbers[i], 0.5) << NameOf(dtype);
    }
  }
}

// By hand, after ggml of April 2023: byte i holds the numbers 2i and 2i+1, bit
// i of the high bits is of number i.
TEST(RwkvCppTest, OldQ5IsAsGgmlHadIt) {
  RwkvCppFile file = Model({}, {100, DType::kF32});
  RwkvCppFile::Tensor tensor;
  tensor.name = "t";
  tensor.dimensions = {32};
  tensor.type = 7;
  tensor.bytes = std::string("\x00\x3c", 2);                  // d = 1
  tensor.bytes += std::string("\x02\x00\x00\x80", 4);         // of 1 and of 31
  tensor.bytes += "\x21" + std::string(14, '\x00') + "\x4f";  // 0, 1; 30, 31
  file.tensors.push_back(tensor);
  auto source = Open(file);
  ASSERT_TRUE(source.ok()) << source.status();
  std::vector<float> want(32, -16.0f);
  want[0] = 1 - 16;
  want[1] = 2 + 16 - 16;
  want[30] = 15 - 16;
  want[31] = 4 + 16 - 16;
  EXPECT_EQ(Floats(**source, "t"), want);
}

TEST(RwkvCppTest, OldScalesAreRoundedToNearestHalf) {
  for (float scale : {1.0f, 0.1f, -3.14159f, 1e-6f, 3e-8f, 0.0f, 65504.0f,
                      6.1e-5f, 2049.0f, 2051.0f}) {
    RwkvCppFile file = Model({}, {100, DType::kF32});
    RwkvCppFile::Tensor tensor;
    tensor.name = "t";
    tensor.dimensions = {32};
    tensor.type = 9;
    tensor.bytes.assign(reinterpret_cast<const char*>(&scale), sizeof(scale));
    tensor.bytes += std::string(32, '\x01');
    file.tensors.push_back(tensor);
    auto source = Open(file);
    ASSERT_TRUE(source.ok()) << source.status();
    uint16_t half;
    std::memcpy(&half, Encode({scale}, DType::kF16).data(), sizeof(half));
    EXPECT_EQ(Floats(**source, "t"), std::vector<float>(32, WidenHalf(half)))
        << scale;
  }
}

TEST(RwkvCppTest, GivesBackWhatTheConverterComputed) {
  const std::vector<float> decays = {-8, -5.5f, -1, 0, 0.5f, 1.25f, 2, -3};
  const auto near = [&](const std::vector<float>& got) {
    ASSERT_EQ(got.size(), decays.size());
    for (size_t i = 0; i < got.size(); ++i) {
      // What counts is the decay they give.
      EXPECT_NEAR(std::exp(-std::exp(got[i])), std::exp(-std::exp(decays[i])),
                  1e-7);
    }
  };
  const std::string decay = "blocks.0.att.time_decay";
  auto v4 = Open(Model({{decay, {8}, decays}}, {101, DType::kF32}));
  ASSERT_TRUE(v4.ok()) << v4.status();
  near(Floats(**v4, decay));

  const TinyTensor ln_x = {"blocks.0.att.ln_x.weight", {8}, decays};
  const TinyTensor first = {"blocks.0.att.time_first", {8}, decays};
  auto v5 =
      Open(Model({ln_x, {decay, {8}, decays}, first}, {101, DType::kF16}));
  ASSERT_TRUE(v5.ok()) << v5.status();
  near(Floats(**v5, decay));
  near(Floats(**v5, "blocks.0.att.time_first"));
  EXPECT_EQ(Floats(**v5, "blocks.0.att.ln_x.weight"), decays);
}

TEST(RwkvCppTest, ExtremeDecaysStayFinite) {
  RwkvCppFile file = Model({}, {101, DType::kF32});
  const float zero_and_less[] = {-0.0f, -1e-45f, -3e38f};
  RwkvCppFile::Tensor tensor;
  tensor.name = "blocks.0.att.time_decay";
  tensor.dimensions = {3};
  tensor.bytes.assign(reinterpret_cast<const char*>(zero_and_less), 12);
  file.tensors.push_back(tensor);
  auto v4 = Open(file);
  ASSERT_TRUE(v4.ok()) << v4.status();
  for (float number : Floats(**v4, tensor.name)) {
    EXPECT_TRUE(std::isfinite(number));
  }
  const float zero_and_one[] = {0.0f, 1.0f, 0.5f};
  file.tensors.back().bytes.assign(reinterpret_cast<const char*>(zero_and_one),
                                   12);
  tensor.name = "blocks.0.att.ln_x.weight";
  file.tensors.push_back(tensor);
  auto v5 = Open(file);
  ASSERT_TRUE(v5.ok()) << v5.status();
  const std::vector<float> got = Floats(**v5, "blocks.0.att.time_decay");
  EXPECT_EQ(static_cast<float>(std::exp(-std::exp(got[0]))), 0.0f);
  EXPECT_EQ(static_cast<float>(std::exp(-std::exp(got[1]))), 1.0f);
  EXPECT_FLOAT_EQ(std::exp(-std::exp(got[2])), 0.5f);
}

TEST(RwkvCppTest, MarksWhatIsTransposed) {
  auto source =
      Open(Model({{"blocks.0.att.time_maa_x", {1, 1, 8}, RandomNumbers(8)},
                  {"blocks.0.att.time_faaaa", {2, 4}, RandomNumbers(8)},
                  {"blocks.0.att.time_decay", {1, 1, 8}, RandomNumbers(8)},
                  {"blocks.0.att.time_maa_w1", {8, 10}, RandomNumbers(80)}},
                 {101, DType::kF32}));
  ASSERT_TRUE(source.ok()) << source.status();
  const auto entries = (*source)->entries();
  EXPECT_THAT(entries[1].shape, ElementsAre(8));
  EXPECT_THAT(entries[2].shape, ElementsAre(2, 4, 1));
  EXPECT_THAT(entries[3].shape, ElementsAre(8));
  EXPECT_EQ(Floats(**source, "blocks.0.att.time_decay"), RandomNumbers(8));
  EXPECT_EQ(entries[4].name, "blocks.0.att.time_maa_w1^T");
  EXPECT_THAT(entries[4].shape, ElementsAre(10, 8));
}

TEST(RwkvCppTest, RandomDamageNeverCrashes) {
  const std::string good =
      Model({{"blocks.0.att.key.weight", {2, 32}, RandomNumbers(64)},
             {"blocks.0.att.time_decay", {8}, RandomNumbers(8)}},
            {100, DType::kQ4_1})
          .Bytes();
  EXPECT_GT(CountRefusedDamage(good, good.size(), &OpenRwkvCpp), 1000);
}

}  // namespace
}  // namespace oxbow
