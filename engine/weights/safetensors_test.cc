#include "engine/weights/safetensors.h"

#include <string>
#include <vector>

#include "absl/base/internal/endian.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/weights/testing/damage.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fuzz/memory_file.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

absl::StatusOr<std::unique_ptr<TensorSource>> Open(const std::string& bytes) {
  return OpenSafetensors(MemoryFile(bytes));
}

// A file of this header and so many bytes of numbers.
std::string FileOf(const std::string& header, size_t data_bytes) {
  char length[8];
  absl::little_endian::Store64(length, header.size());
  std::string bytes(length, 8);
  bytes += header;
  for (size_t i = 0; i < data_bytes; ++i) {
    bytes.push_back(static_cast<char>(i));
  }
  return bytes;
}

constexpr char kGood[] =
    R"({"a":{"dtype":"BF16","shape":[2,3],"data_offsets":[8,20]},)"
    R"("__metadata__":{"format":"pt"},)"
    R"("b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
    R"("c":{"dtype":"F16","shape":[1,1,2],"data_offsets":[20,24]}})";
constexpr size_t kGoodBytes = 24;

TEST(SafetensorsTest, ReadsTensors) {
  auto source = Open(FileOf(kGood, kGoodBytes));
  ASSERT_TRUE(source.ok()) << source.status();
  const auto entries = (*source)->entries();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[0].dtype, DType::kBF16);
  EXPECT_THAT(entries[0].shape, ElementsAre(2, 3));
  std::vector<char> bytes(12);
  ASSERT_TRUE((*source)->Read(0, absl::MakeSpan(bytes)).ok());
  EXPECT_EQ(bytes[0], 8);
  EXPECT_EQ(bytes[11], 19);
  EXPECT_EQ(entries[1].dtype, DType::kF32);
  EXPECT_EQ(entries[2].dtype, DType::kF16);
  EXPECT_THAT(entries[2].shape, ElementsAre(1, 1, 2));
}

// Blocks of our own: 2 rows of 2 blocks of q8_0; 1 row of a block of q4_0 that
// lies the other way round.
constexpr char kBlocks[] =
    R"({"__metadata__":{"oxbow.dtype.k":"q8_0","written_by":"x",)"
    R"("oxbow.dtype.w1":"q4_0 transposed"},)"
    R"("k":{"dtype":"U8","shape":[2,68],"data_offsets":[0,136]},)"
    R"("n":{"dtype":"F32","shape":[2],"data_offsets":[136,144]},)"
    R"("w1":{"dtype":"U8","shape":[1,18],"data_offsets":[144,162]}})";
constexpr size_t kBlocksBytes = 162;

TEST(SafetensorsTest, ReadsBlocksOfItsOwn) {
  auto source = Open(FileOf(kBlocks, kBlocksBytes));
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_TRUE((*source)->facts().is_canonical);
  const auto entries = (*source)->entries();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].name, "k");
  EXPECT_EQ(entries[0].dtype, DType::kQ8_0);
  EXPECT_THAT(entries[0].shape, ElementsAre(2, 64));
  EXPECT_FALSE(entries[0].transposed);
  EXPECT_EQ(entries[1].dtype, DType::kF32);
  EXPECT_EQ(entries[2].dtype, DType::kQ4_0);
  EXPECT_THAT(entries[2].shape, ElementsAre(1, 32));
  EXPECT_TRUE(entries[2].transposed);
  std::vector<char> bytes(136);
  ASSERT_TRUE((*source)->Read(0, absl::MakeSpan(bytes)).ok());
  EXPECT_EQ(bytes[135], static_cast<char>(135));
  EXPECT_FALSE((*Open(FileOf(kGood, kGoodBytes)))->facts().is_canonical);
}

TEST(SafetensorsTest, PaddedHeadersAndEmptyFilesAreFine) {
  EXPECT_TRUE(Open(FileOf(absl::StrCat(kGood, "   "), kGoodBytes)).ok());
  EXPECT_TRUE(Open(FileOf("{}", 0)).ok());
}

struct BadHeader {
  const char* name;
  std::string header;
  size_t data_bytes;
  const char* message;
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
};

// The good header with something replaced.
BadHeader Changed(const char* name, const char* from, const std::string& to,
                  const char* message) {
  return {name, absl::StrReplaceAll(kGood, {{from, to}}), kGoodBytes, message};
}

// The same of the header with blocks.
BadHeader WithBlocks(const char* name, const char* from, const std::string& to,
                     const char* message) {
  return {name, absl::StrReplaceAll(kBlocks, {{from, to}}), kBlocksBytes,
          message};
}

std::string One(const std::string& shape, const std::string& offsets) {
  return absl::StrCat(R"({"a":{"dtype":"F32","shape":)", shape,
                      R"(,"data_offsets":)", offsets, "}}");
}

// A table, however long.
// NOLINTNEXTLINE(readability-function-size)
std::vector<BadHeader> BadHeaders() {
  const std::string deep = std::string(100000, '[');
  std::vector<BadHeader> bad = {
      {"NotJson", "hello", 0, "not JSON at byte 1"},
      {"Nothing", "", 0, "not JSON"},
      {"HalfJson", R"({"a":{"dtype":)", 0, "not JSON"},
      {"JsonAndMore", "{}{}", 0, "not JSON"},
      {"List", "[]", 0, "not a JSON object"},
      {"Number", "7", 0, "not a JSON object"},
      {"Null", "null", 0, "not a JSON object"},
      {"DeepList", deep, 0, "nested too deep"},
      {"DeepMetadata", R"({"__metadata__":{"x":[[[]]]}})", 0, "nested too"},
      {"NotUtf8", "{\"\xff\xfe\":1}", 0, "not JSON"},
      {"TensorTwice",
       R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8, "key 'a' is there twice"},
      {"FieldTwice",
       R"({"a":{"dtype":"F32","dtype":"F32",)"
       R"("shape":[1],"data_offsets":[0,4]}})",
       4, "key 'dtype' is there twice"},
      {"TensorIsNumber", R"({"a":1})", 0, "a: want exactly dtype"},
      {"TensorIsEmpty", R"({"a":{}})", 0, "a: want exactly dtype"},
      {"NoShape", R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4,
       "a: want exactly dtype"},
      {"FieldTooMany",
       R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4,
       "a: want exactly dtype"},
      {"FieldMisspelt",
       R"({"a":{"dtype":"F32","shope":[1],"data_offsets":[0,4]}})", 4,
       "a: shape is not a list"},
      {"NoName", R"({"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4,
       "name has 0 bytes"},
      {"LongName",
       absl::StrCat("{\"", std::string(257, 'x'),
                    R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})"),
       4, "name has 257 bytes"},
      {"DtypeIsNumber", R"({"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}})",
       4, "a: dtype missing"},
      {"Dtype64", R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})",
       8, "a: dtype F64; Oxbow reads", absl::StatusCode::kUnimplemented},
      {"DtypeInt8", R"({"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}})",
       1, "a: dtype I8", absl::StatusCode::kUnimplemented},
      {"ShapeIsText", One(R"("1")", "[0,4]"), 4, "a: shape is not a list"},
      {"ShapeOfText", One(R"(["1"])", "[0,4]"), 4, "a: shape holds something"},
      {"ShapeNegative", One("[-1]", "[0,4]"), 4, "a: shape holds something"},
      {"ShapeFraction", One("[1.0]", "[0,4]"), 4, "a: shape holds something"},
      {"ShapeHuge", One("[99999999999999999999999]", "[0,4]"), 4,
       "a: shape holds something"},
      {"ShapeEmpty", One("[]", "[0,4]"), 4, "a: has 0 dimensions"},
      {"ShapeOfFive", One("[1,1,1,1,1]", "[0,4]"), 4, "at most 4"},
      {"DimensionZero", One("[0]", "[0,0]"), 0, "a: dimension 0 is not in 1"},
      {"DimensionTooLarge", One("[16777217]", "[0,67108868]"), 4,
       "a: dimension 16777217 is not in 1"},
      {"TooManyNumbers", One("[16777216,16777216,16777216]", "[0,4]"), 4,
       "has too many numbers"},
      // 2^24^4 * 4 bytes is 2^98: nothing may wrap around.
      {"SizeThatOverflows",
       One("[16777216,16777216,16777216,16777216]", "[0,0]"), 0,
       "has too many numbers"},
      {"OffsetsOfOne", One("[1]", "[4]"), 4, "a: data_offsets [4] do not lie"},
      {"OffsetsOfThree", One("[1]", "[0,4,8]"), 8, "data_offsets"},
      {"OffsetsBackwards", One("[1]", "[4,0]"), 4, "do not lie in the 4 bytes"},
      {"OffsetsPastTheEnd", One("[1]", "[0,5]"), 4, "do not lie in the 4"},
      {"OffsetsNegative", One("[1]", "[-4,0]"), 4, "something else than"},
      {"OffsetsHuge", One("[1]", "[0,18446744073709551615]"), 4,
       "something else than numbers"},
      {"RangeTooShort", One("[2]", "[0,4]"), 4, "takes 8 bytes"},
      {"RangeTooLong", One("[1]", "[0,8]"), 8, "takes 4 bytes"},
      {"BytesBefore", One("[1]", "[4,8]"), 8, "a: starts at byte 4"},
      {"BytesAfter", One("[1]", "[0,4]"), 8, "the tensors end at byte 4 of 8"},
      {"BytesWithoutTensors", "{}", 4, "the tensors end at byte 0 of 4"},
      {"NumbersCutOff", kGood, kGoodBytes - 1, "do not lie in the 23 bytes"},
      Changed("Overlap", "[8,20]", "[4,16]", "a: starts at byte 4"),
      Changed("Hole", "[20,24]", "[21,25]", "do not lie in the 24"),
      Changed("SameRange", "[0,8]", "[8,16]", "starts at byte 8"),
      WithBlocks("MarkOfNoFormat", "q8_0", "q9_0",
                 "k: marked as 'q9_0', want a block format"),
      WithBlocks("MarkOfPlainNumbers", "\"q8_0\"", "\"bf16\"",
                 "k: marked as 'bf16', want a block format"),
      WithBlocks("MarkInCapitals", "q8_0", "Q8_0", "marked as 'Q8_0'"),
      WithBlocks("MarkWithMore", "q8_0\"", "q8_0 turned\"",
                 "marked as 'q8_0 turned'"),
      WithBlocks("MarkEmpty", "\"q8_0\"", "\"\"", "k: marked as ''"),
      WithBlocks("MarkIsNumber", "\"q8_0\"", "8", "k: marked as ''"),
      WithBlocks("MarkIsList", "\"q8_0\"", "[]", "k: marked as ''"),
      WithBlocks("MarkIsLong", "\"q8_0\"",
                 absl::StrCat("\"", std::string(1000, 'q'), "\""),
                 "qqq', want a block format"),
      WithBlocks("MarkTwice", R"("written_by":"x")",
                 R"("oxbow.dtype.k":"q4_0")",
                 "key 'oxbow.dtype.k' is there twice"),
      WithBlocks("MarkOfNoTensor", "written_by", "oxbow.dtype.x",
                 "marked as 'x', want"),
      WithBlocks("MarkOfMissingTensor", R"("written_by":"x")",
                 R"("oxbow.dtype.x":"q8_0")",
                 "x: marked as q8_0, and no tensor of the file"),
      WithBlocks("MarkOfMetadata", R"("written_by":"x")",
                 R"("oxbow.dtype.__metadata__":"q8_0")",
                 "__metadata__: marked as q8_0, and no tensor"),
      WithBlocks("MarkOfNoName", R"("written_by":"x")",
                 R"("oxbow.dtype.":"q8_0")", ": marked as q8_0, and no tensor"),
      WithBlocks("MarkOfNumbers", R"("written_by":"x")",
                 R"("oxbow.dtype.n":"q8_0")",
                 "n: marked as q8_0, and is not of dtype U8"),
      WithBlocks("MarkOfSignedBytes", R"("U8","shape":[2)",
                 R"("I8","shape":[2)", "k: marked as q8_0, and is not of"),
      {"BytesWithoutMark",
       absl::StrReplaceAll(kBlocks, {{"oxbow.dtype.k", "oxbow.dtypes.k"}}),
       kBlocksBytes, "k: dtype U8; Oxbow reads",
       absl::StatusCode::kUnimplemented},
      WithBlocks("RowOfHalfABlock", "[2,68]", "[8,17]",
                 "k: shape [8,17] does not end in whole blocks of 34 bytes"),
      WithBlocks("BlocksOfNothing", "[2,68]", "[2,0]",
                 "k: dimension 0 is not in 1"),
      WithBlocks("BlocksWithoutShape", "[2,68]", "[]",
                 "k: shape [] does not end in whole blocks"),
      WithBlocks("OtherBlocks", "\"q8_0\"", "\"q4_0\"",
                 "k: shape [2,68] does not end in whole blocks of 18"),
      WithBlocks("RowPastTheLimit", "[2,68]", "[2,17825826]",
                 "dimension 16777248 is not in 1"),
      WithBlocks("RowThatOverflows", "[2,68]", "[2,4611686018427387902]",
                 "does not end in whole blocks"),
      WithBlocks("VectorTransposed", "[1,18]", "[18]",
                 "w1: marked as transposed, want a matrix"),
      WithBlocks("BlocksPastTheEnd", "[2,68]", "[3,68]", "takes 204 bytes"),
  };
  std::string many = "{";
  for (int i = 0; i < 16386; ++i) {
    absl::StrAppend(&many, i > 0 ? "," : "", "\"", i, "\":1");
  }
  bad.push_back({"TooManyTensors", many + "}", 0, "16386 tensors, at most"});
  return bad;
}

class BadHeaderTest : public testing::TestWithParam<BadHeader> {};

TEST_P(BadHeaderTest, IsRefusedInASentence) {
  const auto source = Open(FileOf(GetParam().header, GetParam().data_bytes));
  EXPECT_EQ(source.status().code(), GetParam().code) << source.status();
  EXPECT_THAT(std::string(source.status().message()),
              HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(Headers, BadHeaderTest,
                         testing::ValuesIn(BadHeaders()),
                         [](const auto& info) { return info.param.name; });

TEST(SafetensorsTest, HeaderLengthMustFit) {
  const std::string good = FileOf(kGood, kGoodBytes);
  for (uint64_t length :
       {uint64_t{1} << 63, ~uint64_t{0}, (uint64_t{8} << 20) + 1,
        static_cast<uint64_t>(good.size() - 7)}) {
    std::string bad = good;
    absl::little_endian::Store64(bad.data(), length);
    EXPECT_THAT(std::string(Open(bad).status().message()),
                HasSubstr("does not fit"))
        << length;
  }
  for (size_t size = 0; size < 8; ++size) {
    EXPECT_THAT(std::string(Open(good.substr(0, size)).status().message()),
                HasSubstr("the file ends at byte"));
  }
}

TEST(SafetensorsTest, EveryTruncationIsRefused) {
  ExpectNoTruncationIsRead(FileOf(kBlocks, kBlocksBytes), &OpenSafetensors);
  ExpectNoTruncationIsRead(FileOf(kGood, kGoodBytes), &OpenSafetensors);
}

TEST(SafetensorsTest, RandomDamageNeverCrashes) {
  const std::string good = FileOf(kGood, kGoodBytes);
  EXPECT_GT(CountRefusedDamage(good, 8 + sizeof(kGood), &OpenSafetensors),
            2000);
  const std::string blocks = FileOf(kBlocks, kBlocksBytes);
  EXPECT_GT(CountRefusedDamage(blocks, 8 + sizeof(kBlocks), &OpenSafetensors),
            2000);
}

}  // namespace
}  // namespace oxbow
