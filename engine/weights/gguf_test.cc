#include "engine/weights/gguf.h"

#include <memory>
#include <string>
#include <vector>

#include "engine/weights/gguf_header.h"
#include "engine/weights/gguf_metadata.h"
#include "engine/weights/gguf_value.h"
#include "engine/weights/testing/damage.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fuzz/memory_file.h"
#include "tests/testing/block_quantizer.h"
#include "tests/testing/gguf_writer.h"

namespace oxbow {
namespace {

using testing::ElementsAre;

absl::StatusOr<std::unique_ptr<TensorSource>> Open(const GgufFile& file) {
  return OpenGguf(MemoryFile(file.Bytes()));
}

std::string Counting(size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text.push_back(static_cast<char>(i));
  return text;
}

GgufFile Good() {
  GgufFile file;
  file.AddText("general.architecture", "rwkv7");
  file.AddU32("rwkv7.block_count", 2);
  file.AddF32("rwkv7.attention.layer_norm_epsilon", 1e-5f);
  file.AddTensor("one", {3}, DType::kF32, Counting(12));
  file.AddTensor("two", {2, 5}, DType::kBF16, Counting(20));
  file.AddTensor("four", {6, 1, 1, 32}, DType::kF16, Counting(6 * 64));
  return file;
}

std::string ReadTensor(TensorSource& source, int index) {
  std::string bytes(source.entries()[index].Bytes(), '\0');
  EXPECT_TRUE(
      source.Read(index, absl::MakeSpan(bytes.data(), bytes.size())).ok());
  return bytes;
}

TEST(GgufTest, ReadsTensorsRowMajor) {
  for (uint32_t version : {2, 3}) {
    GgufFile file = Good();
    file.version = version;
    auto source = Open(file);
    ASSERT_TRUE(source.ok()) << source.status();
    const auto entries = (*source)->entries();
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_EQ(entries[0].name, "one");
    EXPECT_EQ(entries[0].dtype, DType::kF32);
    EXPECT_THAT(entries[0].shape, ElementsAre(3));
    EXPECT_EQ(entries[1].dtype, DType::kBF16);
    EXPECT_THAT(entries[1].shape, ElementsAre(2, 5));
    EXPECT_THAT(entries[2].shape, ElementsAre(6, 1, 1, 32));
    EXPECT_EQ(ReadTensor(**source, 0), Counting(12));
    EXPECT_EQ(ReadTensor(**source, 1), Counting(20));
    EXPECT_EQ(ReadTensor(**source, 2), Counting(6 * 64));
  }
}

TEST(GgufTest, TensorsMayLieInAnyOrderWithGaps) {
  GgufFile file = Good();
  file.alignment = 128;
  file.AddU32("general.alignment", 128);
  file.numbers = std::string(128, 'x') + Counting(384) + Counting(20) +
                 std::string(108, 'y') + Counting(12) + "beyond";
  file.tensors[2].offset = 128;
  file.tensors[1].offset = 512;
  file.tensors[0].offset = 640;
  auto source = Open(file);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(ReadTensor(**source, 0), Counting(12));
  EXPECT_EQ(ReadTensor(**source, 1), Counting(20));
  EXPECT_EQ(ReadTensor(**source, 2), Counting(384));
}

TEST(GgufTest, KeepsBlocksAsTheyAre) {
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0,
                      DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
                      DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    const std::string bytes = EncodeAs(std::vector<float>(512, 0.25f), dtype);
    GgufFile file = Good();
    file.AddTensor("blocks", {2, 256}, dtype, bytes);
    auto source = Open(file);
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ((*source)->entries()[3].dtype, dtype);
    EXPECT_EQ(ReadTensor(**source, 3), bytes) << NameOf(dtype);
  }
}

TEST(GgufTest, TellsWhatTheMetadataSays) {
  GgufFile file = Good();
  file.AddU32("rwkv7.embedding_length", 64);
  file.AddU32("rwkv7.wkv.head_size", 16);
  file.AddU32("rwkv7.feed_forward_length", 224);
  file.AddU32("rwkv7.rescale_every_n_layers", 6);
  auto source = Open(file);
  ASSERT_TRUE(source.ok()) << source.status();
  const SourceFacts facts = (*source)->facts();
  EXPECT_EQ(facts.layers, 2);
  EXPECT_EQ(facts.width, 64);
  EXPECT_EQ(facts.head_size, 16);
  EXPECT_EQ(facts.ffn_width, 224);
  EXPECT_EQ(facts.rescale_every, 6);
  EXPECT_EQ(facts.norm_eps, 1e-5f);
  EXPECT_FALSE(facts.vocabulary_size.has_value());
}

TEST(GgufTest, ReadsMetadataOfEveryType) {
  GgufFile file = Good();
  const auto add = [&](const char* key, uint32_t type, std::string bytes) {
    file.values.push_back({key, type, std::move(bytes)});
  };
  add("u8", 0, "\xff");
  add("i8", 1, "\xff");
  add("u16", 2, "\xfe\xff");
  add("i16", 3, "\xfe\xff");
  add("i32", 5, "\xfd\xff\xff\xff");
  add("bool", 7, "\x01");
  add("u64", 10, "\xff\xff\xff\xff\xff\xff\xff\x7f");
  add("i64", 11, "\xfc\xff\xff\xff\xff\xff\xff\xff");
  add("f64", 12, std::string("\0\0\0\0\0\0\xf8\x3f", 8));
  file.AddTexts("texts", {"a", "", "ccc"});
  file.AddI32s("numbers", {-1, 7});
  const InputFile input = MemoryFile(file.Bytes());
  auto header = ReadGgufHeader(input);
  ASSERT_TRUE(header.ok()) << header.status();
  const GgufMetadata& metadata = header->metadata;
  EXPECT_EQ(*metadata.Integer("u8"), 255);
  EXPECT_EQ(*metadata.Integer("i8"), -1);
  EXPECT_EQ(*metadata.Integer("u16"), 65534);
  EXPECT_EQ(*metadata.Integer("i16"), -2);
  EXPECT_EQ(*metadata.Integer("i32"), -3);
  EXPECT_EQ(*metadata.Integer("u64"), INT64_MAX);
  EXPECT_EQ(*metadata.Integer("i64"), -4);
  EXPECT_EQ(*metadata.Real("f64"), 1.5);
  EXPECT_EQ(*metadata.Text("general.architecture"), "rwkv7");
  EXPECT_THAT(
      *ReadGgufStrings(input, *metadata.Array("texts", GgufType::kString), 3),
      ElementsAre("a", "", "ccc"));
  EXPECT_THAT(
      *ReadGgufIntegers(input, *metadata.Array("numbers", GgufType::kI32), 2),
      ElementsAre(-1, 7));
  EXPECT_FALSE(
      ReadGgufStrings(input, *metadata.Array("texts", GgufType::kString), 2)
          .ok());
  EXPECT_TRUE(absl::IsNotFound(metadata.Integer("none").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(metadata.Integer("bool").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(metadata.Real("u8").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(metadata.Text("u8").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      metadata.Array("texts", GgufType::kI32).status()));
}

TEST(GgufTest, RandomDamageNeverCrashes) {
  const std::string good = Good().Bytes();
  EXPECT_GT(CountRefusedDamage(good, good.size(), &OpenGguf), 1000);
}

}  // namespace
}  // namespace oxbow
