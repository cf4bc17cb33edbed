// GGUF files that are wrong in one place each, made from a good one.
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/weights/gguf.h"
#include "engine/weights/testing/bad_file.h"
#include "engine/weights/testing/read_everything.h"
#include "engine/weights/testing/write_file.h"
#include "tests/fuzz/memory_file.h"
#include "tests/testing/gguf_file.h"

namespace oxbow {
namespace {

constexpr auto kUnimplemented = absl::StatusCode::kUnimplemented;

// Offsets of the counts in the file.
constexpr size_t kVersionAt = 4, kTensorCountAt = 8, kValueCountAt = 16;

constexpr uint32_t kU32 = 4, kF32 = 6, kBool = 7, kString = 8, kArray = 9,
                   kU64 = 10;

template <class T>
std::string Raw(T number) {
  return std::string(reinterpret_cast<const char*>(&number), sizeof(number));
}
std::string Raw64(uint64_t number) { return Raw(number); }

GgufFile Good() {
  GgufFile file;
  file.AddText("general.architecture", "rwkv7");
  file.AddU32("rwkv7.block_count", 1);
  file.AddF32("rwkv7.attention.layer_norm_epsilon", 1e-5f);
  file.AddTexts("tokenizer.ggml.tokens", {"<s>", "a", "\\n", "b"});
  file.AddI32s("tokenizer.ggml.token_type", {3, 1, 1, 1});
  file.AddTensor("token_embd.weight", {4, 8}, DType::kF32,
                 std::string(128, '\1'));
  file.AddTensor("blk.0.time_mix_w1.weight", {3, 8}, DType::kF16,
                 std::string(48, '\2'));
  file.AddTensor("blk.0.time_mix_key.weight", {2, 32}, DType::kQ8_0,
                 std::string(68, '\3'));
  file.numbers.resize(192 + 68);  // no padding at the end: none to cut off
  return file;
}

class Cases {
 public:
  void Add(const std::string& name, const GgufFile& file,
           const std::string& message,
           absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
    AddBytes(name, file.Bytes(), message, code);
  }
  void AddBytes(const std::string& name, const std::string& bytes,
                const std::string& message,
                absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
    cases_.push_back({name, bytes, message, code});
  }
  // The good file with one value more.
  void AddValue(const std::string& name, const std::string& key, uint32_t type,
                const std::string& bytes, const std::string& message,
                absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
    GgufFile file = Good();
    file.values.push_back({key, type, bytes});
    Add(name, file, message, code);
  }
  // The good file with some bytes replaced.
  void AddPatch(const std::string& name, size_t at, const std::string& with,
                const std::string& message,
                absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
    std::string bytes = Good().Bytes();
    bytes.replace(at, with.size(), with);
    AddBytes(name, bytes, message, code);
  }
  std::vector<BadFile> Take() { return std::move(cases_); }

 private:
  std::vector<BadFile> cases_;
};

void AddHeaders(Cases& cases) {
  cases.AddPatch("Magic", 0, "GGUF"[0] + std::string("GML"),
                 "does not start with GGUF");
  for (uint32_t version : {0u, 4u, 5u, 100u, 0xffffffffu}) {
    cases.AddPatch(absl::StrCat("Version", version), kVersionAt, Raw(version),
                   absl::StrCat("GGUF version ", version), kUnimplemented);
  }
  cases.AddPatch("Version1", kVersionAt, Raw(1u), "version 1, of August",
                 kUnimplemented);
  for (uint32_t version : {0x02000000u, 0x03000000u}) {
    cases.AddPatch(absl::StrCat("BigEndian", version >> 24), kVersionAt,
                   Raw(version), "big-endian", kUnimplemented);
  }
  for (uint64_t count : {uint64_t{16385}, uint64_t{1} << 31, uint64_t{1} << 32,
                         uint64_t{1} << 63, ~uint64_t{0}}) {
    cases.AddPatch(absl::StrCat("TensorCount", count), kTensorCountAt,
                   Raw64(count), absl::StrCat("says ", count, " tensors"));
    cases.AddPatch(absl::StrCat("ValueCount", count), kValueCountAt,
                   Raw64(count), absl::StrCat("says ", count, " metadata"));
  }
  cases.AddPatch("NoTensors", kTensorCountAt, Raw64(0), "without tensors");
  cases.AddPatch("TensorTooMany", kTensorCountAt, Raw64(4), "tensor 3");
  cases.AddPatch("ValueTooMany", kValueCountAt, Raw64(6), "tensor 0");
  cases.AddPatch("ValueTooFew", kValueCountAt, Raw64(4), "tensor ");
  cases.AddPatch("NoValues", kValueCountAt, Raw64(0),
                 "has no general.architecture");
  cases.AddPatch("ManyValues", kValueCountAt, Raw64(4096), "metadata ");
}

void AddKeys(Cases& cases) {
  const std::string one = Raw(1u);
  cases.AddValue("KeyEmpty", "", kU32, one, "is '', want printable ASCII");
  cases.AddValue("KeyLong", std::string(257, 'k'), kU32, one,
                 "a string of 257 bytes, at most 256");
  cases.AddValue("KeyNewline", "a\nb", kU32, one, "is 'a\\nb', want printable");
  cases.AddValue("KeyBlank", "a b", kU32, one, "want printable");
  cases.AddValue("KeyByte", "\xff", kU32, one, "is '\\xff', want printable");
  cases.AddValue("KeyZero", std::string("a\0b", 3), kU32, one,
                 "want printable");
  cases.AddValue("KeyTwice", "rwkv7.block_count", kU32, one,
                 "metadata rwkv7.block_count is there twice");
  cases.AddValue("ArchitectureTwice", "general.architecture", kString,
                 GgufText("rwkv7"), "general.architecture is there twice");
  cases.AddValue("OtherArchitectureLater", "general.architecture", kString,
                 GgufText("llama"), "architecture 'llama'", kUnimplemented);
  for (uint64_t length : {uint64_t{1} << 32, uint64_t{1} << 62,
                          uint64_t{1} << 63, ~uint64_t{0}, ~uint64_t{0} - 7}) {
    cases.AddPatch(absl::StrCat("KeyLength", length), 24, Raw64(length),
                   absl::StrCat("metadata key 0 holds a string of ", length));
  }
}

// The types of single values, and a value of each.
void AddValues(Cases& cases) {
  for (uint32_t type : {13u, 14u, 255u, 256u, 0x80000000u, 0xffffffffu}) {
    cases.AddValue(absl::StrCat("ValueType", type), "x", type, Raw64(0),
                   absl::StrCat("metadata x has type ", type));
    cases.AddValue(absl::StrCat("ElementType", type), "x", kArray,
                   Raw(type) + Raw64(1) + Raw64(0),
                   absl::StrCat("metadata x has type ", type));
  }
  for (int byte : {2, 3, 128, 255}) {
    cases.AddValue(absl::StrCat("Bool", byte), "x", kBool,
                   std::string(1, static_cast<char>(byte)),
                   absl::StrCat("is a bool of ", byte));
  }
  for (uint64_t number : {uint64_t{1} << 63, ~uint64_t{0}}) {
    cases.AddValue(absl::StrCat("U64Of", number), "x", kU64, Raw64(number),
                   absl::StrCat("is ", number, ", at most 2^63-1"));
  }
  for (uint64_t length : {uint64_t{(1 << 20) + 1}, uint64_t{1} << 31,
                          uint64_t{1} << 63, ~uint64_t{0}}) {
    cases.AddValue(absl::StrCat("TextLength", length), "x", kString,
                   Raw64(length), absl::StrCat("a string of ", length));
  }
  cases.AddValue("TextPastTheEnd", "x", kString, Raw64(10000),
                 "metadata x needs 10000 bytes, the file ends");
}

void AddArrays(Cases& cases) {
  const char* const kNames[] = {"u8",  "i8",  "u16",  "i16",    "u32",
                                "i32", "f32", "bool", "string", "array",
                                "u64", "i64", "f64"};
  for (uint32_t type = 0; type <= 12; ++type) {
    if (type == kArray) continue;
    for (uint64_t count : {uint64_t{100000}, uint64_t{1} << 61,
                           uint64_t{1} << 63, ~uint64_t{0}}) {
      cases.AddValue(absl::StrCat("Array", kNames[type], count), "x", kArray,
                     Raw(type) + Raw64(count),
                     absl::StrCat("metadata x is an array of ", count, " ",
                                  kNames[type], ", the file ends"));
    }
  }
  for (uint64_t count : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}}) {
    cases.AddValue(absl::StrCat("ArrayOfArrays", count), "x", kArray,
                   Raw(kArray) + Raw64(count) + Raw(kU32) + Raw64(0),
                   "metadata x is an array of arrays");
  }
  for (uint64_t length : {uint64_t{100000}, uint64_t{1} << 63, ~uint64_t{0}}) {
    cases.AddValue(absl::StrCat("ElementLength", length), "x", kArray,
                   Raw(kString) + Raw64(2) + GgufText("a") + Raw64(length),
                   absl::StrCat("metadata x needs ", length, " bytes"));
  }
}

void AddConfusions(Cases& cases) {
  struct Key {
    const char* key;
    uint32_t wants;
  };
  const Key keys[] = {{"general.architecture", kString},
                      {"general.type", kString},
                      {"general.alignment", kU32},
                      {"split.count", kU32},
                      {"rwkv7.block_count", kU32},
                      {"rwkv7.embedding_length", kU32},
                      {"rwkv7.feed_forward_length", kU32},
                      {"rwkv7.wkv.head_size", kU32},
                      {"rwkv7.rescale_every_n_layers", kU32},
                      {"rwkv7.token_shift_count", kU32},
                      {"rwkv7.attention.decay_lora_rank", kU32},
                      {"rwkv7.attention.layer_norm_epsilon", kF32},
                      {"tokenizer.ggml.tokens", kArray}};
  const GgufFile::Value values[] = {
      {"Text", kString, GgufText("7")},
      {"Real", kF32, Raw(7.0f)},
      {"Bool", kBool, "\1"},
      {"Integer", kU32, Raw(7u)},
      {"Array", kArray, Raw(kU32) + Raw64(1) + Raw(7u)}};
  for (const Key& key : keys) {
    for (const GgufFile::Value& value : values) {
      if (value.type == key.wants && value.key != "Array") continue;
      GgufFile file = Good();
      bool replaced = false;
      for (GgufFile::Value& old : file.values) {
        if (old.key != key.key) continue;
        old = {key.key, value.type, value.bytes};
        replaced = true;
      }
      if (!replaced) file.values.push_back({key.key, value.type, value.bytes});
      std::string name = absl::StrCat("Confused", key.key, value.key);
      for (char& c : name) c = c == '.' ? '_' : c;
      cases.Add(name, file, absl::StrCat("metadata ", key.key, " is of type "));
    }
  }
}

void AddModels(Cases& cases) {
  for (const char* name : {"llama", "rwkv", "rwkv5", "RWKV7", "rwkv8", "mamba",
                           "rwkv7 ", "rwkv6qwen2", "arwkv7", ""}) {
    GgufFile file = Good();
    file.values[0].bytes = GgufText(name);
    std::string test = absl::StrCat("Architecture_", name);
    for (char& c : test) c = c == ' ' ? '_' : c;
    cases.Add(test, file, name, kUnimplemented);
  }
  GgufFile nameless = Good();
  nameless.values.erase(nameless.values.begin());
  cases.Add("ArchitectureMissing", nameless, "has no general.architecture");
  GgufFile long_name = Good();
  long_name.values[0].bytes = GgufText(std::string(1 << 20, '\n'));
  cases.Add("ArchitectureLong", long_name, "'\\n\\n", kUnimplemented);

  for (const char* type : {"adapter", "mmproj", ""}) {
    cases.AddValue(absl::StrCat("Type_", type), "general.type", kString,
                   GgufText(type), absl::StrCat("of type '", type, "'"),
                   kUnimplemented);
  }
  for (uint32_t parts : {2u, 65535u}) {
    cases.AddValue(absl::StrCat("Split", parts), "split.count", kU32,
                   Raw(parts), absl::StrCat("one of ", parts, " parts"),
                   kUnimplemented);
  }
  for (uint32_t shifts : {0u, 1u, 3u}) {
    cases.AddValue(absl::StrCat("Shifts", shifts), "rwkv7.token_shift_count",
                   kU32, Raw(shifts), "Oxbow runs models with 2",
                   kUnimplemented);
  }
  for (int64_t rank :
       {int64_t{0}, int64_t{2}, int64_t{8}, std::numeric_limits<int64_t>::min(),
        std::numeric_limits<int64_t>::max()}) {
    std::string name = absl::StrCat("Rank", rank);
    for (char& c : name) c = c == '-' ? 'm' : c;
    cases.AddValue(name, "rwkv7.attention.decay_lora_rank", 11, Raw(rank),
                   absl::StrCat("decay_lora_rank says ", rank));
  }
  GgufFile tokens = Good();
  tokens.values[3].bytes = Raw(kString) + Raw64(1) + GgufText("a");
  cases.Add("TokensTooFew", tokens, "tokenizer.ggml.tokens has 1 tokens");
  for (int64_t alignment :
       {int64_t{0}, int64_t{1}, int64_t{4}, int64_t{12}, int64_t{33},
        int64_t{(1 << 20) + 8}, int64_t{1} << 31, int64_t{1} << 62, int64_t{-8},
        std::numeric_limits<int64_t>::min()}) {
    std::string name = absl::StrCat("Alignment", alignment);
    for (char& c : name) c = c == '-' ? 'm' : c;
    cases.AddValue(name, "general.alignment", 11, Raw(alignment),
                   absl::StrCat("general.alignment ", alignment));
  }
}

// One tensor of the good file, changed.
void AddTensor(Cases& cases, const std::string& name,
               const std::function<void(GgufFile::Tensor*)>& change,
               const std::string& message,
               absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  GgufFile file = Good();
  change(&file.tensors[1]);
  cases.Add(name, file, message, code);
}

void AddTensors(Cases& cases) {
  using Tensor = GgufFile::Tensor;
  const auto named = [&](const std::string& test, const std::string& name,
                         const std::string& message) {
    AddTensor(
        cases, test, [&](Tensor* t) { t->name = name; }, message);
  };
  named("NameEmpty", "", "tensor 1 is named ''");
  named("NameLong", std::string(257, 'n'), "a string of 257 bytes");
  named("NameNewline", "a\nb", "tensor 1 is named 'a\\nb'");
  named("NameByte", "\x80", "tensor 1 is named '\\x80'");
  named("NameBlank", " ", "tensor 1 is named ' '");
  named("NameTwice", "token_embd.weight", "token_embd.weight like another");

  const auto shaped = [&](const std::string& test,
                          std::vector<uint64_t> dimensions,
                          const std::string& message) {
    AddTensor(
        cases, test, [&](Tensor* t) { t->dimensions = dimensions; }, message);
  };
  shaped("RankZero", {}, "has 0 dimensions, want 1 to 4");
  shaped("RankFive", {1, 1, 1, 1, 1}, "has 5 dimensions, want 1 to 4");
  shaped("RankHuge", std::vector<uint64_t>(1000, 1), "has 1000 dimensions");
  for (uint64_t dimension :
       {uint64_t{0}, uint64_t{(1 << 24) + 1}, uint64_t{1} << 32,
        uint64_t{1} << 61, uint64_t{1} << 63, ~uint64_t{0}}) {
    const std::string message = absl::StrCat("has dimension ", dimension);
    shaped(absl::StrCat("First", dimension), {dimension, 3}, message);
    shaped(absl::StrCat("Last", dimension), {8, 3, 1, dimension}, message);
  }
  const uint64_t big = 1 << 24;
  shaped("ProductOfThree", {big, big, big}, "has too many numbers");
  shaped("ProductOfFour", {big, big, big, big}, "has too many numbers");
  // 2^66 bytes would be 4 in 64 bits.
  shaped("BytesThatOverflow", {big, big, 1 << 16, 1}, "has too many numbers");
  shaped("LargerThanTheFile", {big, 1 << 16}, "past the file's end");

  const char* const kTypes[] = {
      "Q4_2",     "Q4_3",     "Q8_1",  "Q2_K",   "Q3_K",  "Q8_K",  "IQ2_XXS",
      "IQ2_XS",   "IQ3_XXS",  "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS",
      "I8",       "I16",      "I32",   "I64",    "F64",   "IQ1_M", "Q4_0_4_4",
      "Q4_0_4_8", "Q4_0_8_8", "TQ1_0", "TQ2_0",  "MXFP4"};
  const uint32_t kNumbers[] = {4,  5,  9,  10, 11, 15, 16, 17, 18,
                               19, 20, 21, 22, 23, 24, 25, 26, 27,
                               28, 29, 31, 32, 33, 34, 35, 39};
  for (size_t i = 0; i < std::size(kNumbers); ++i) {
    AddTensor(
        cases, absl::StrCat("Type", kTypes[i]),
        [&](Tensor* t) { t->type = kNumbers[i]; },
        absl::StrCat("tensor type ", kTypes[i], " (", kNumbers[i], ")"),
        kUnimplemented);
  }
  for (uint32_t type : {36u, 37u, 38u, 40u, 255u, 0x80000000u, 0xffffffffu}) {
    AddTensor(
        cases, absl::StrCat("Type", type), [&](Tensor* t) { t->type = type; },
        absl::StrCat("tensor type ", type), kUnimplemented);
  }
  for (uint32_t type : {2u, 3u, 6u, 7u, 8u, 12u, 13u, 14u}) {
    for (uint64_t row : {1, 31, 33}) {
      AddTensor(
          cases, absl::StrCat("Row", row, "Of", type),
          [&](Tensor* t) {
            t->type = type;
            t->dimensions = {row, 32};
          },
          "does not end in whole blocks");
    }
  }
}

void AddRanges(Cases& cases) {
  using Tensor = GgufFile::Tensor;
  const auto placed = [&](uint64_t offset, const std::string& message) {
    AddTensor(
        cases, absl::StrCat("Offset", offset),
        [&](Tensor* t) { t->offset = offset; }, message);
  };
  for (uint64_t offset : {1, 4, 31, 129}) {
    placed(offset, absl::StrCat("is at byte ", offset,
                                " of the numbers, want a multiple of 32"));
  }
  placed(~uint64_t{0}, "want a multiple of 32");
  for (uint64_t offset : {uint64_t{1} << 20, uint64_t{1} << 32,
                          uint64_t{1} << 63, ~uint64_t{31}}) {
    placed(offset, "past the file's end");
  }
  placed(0, "starts at byte");    // on the first
  placed(96, "starts at byte");   // within the first
  placed(192, "starts at byte");  // on the third
  placed(160, "within blk.0.time_mix_w1.weight");
  placed(224, "ends at byte");
  placed(256, "ends at byte");
  GgufFile whole = Good();
  whole.tensors[1].dimensions = {64, 2};  // 256 bytes from 128 on
  cases.Add("Ends", whole, "256 bytes from byte 128 of the numbers on, past");
  whole = Good();
  whole.tensors[0].dimensions = {8, 5};
  cases.Add("FirstReachesIntoSecond", whole, "within token_embd.weight");
  std::string short_by_one = Good().Bytes();
  short_by_one.pop_back();
  cases.AddBytes("LastNumberCutOff", short_by_one, "ends at byte");
}

void AddTruncations(Cases& cases) {
  std::vector<size_t> borders;
  const std::string good = Good().Bytes(&borders);
  for (size_t border : borders) {
    for (size_t size : {border, border + 1}) {
      cases.AddBytes(absl::StrCat("CutAt", size), good.substr(0, size), "");
    }
  }
}

std::vector<BadFile> AllCases() {
  Cases cases;
  AddHeaders(cases);
  AddKeys(cases);
  AddValues(cases);
  AddArrays(cases);
  AddConfusions(cases);
  AddModels(cases);
  AddTensors(cases);
  AddRanges(cases);
  AddTruncations(cases);
  return cases.Take();
}

absl::Status Read(const std::string& bytes) {
  return ReadEverything(OpenGguf(MemoryFile(bytes)));
}

class GgufHostileTest : public testing::TestWithParam<BadFile> {};

TEST_P(GgufHostileTest, IsRefusedInASentence) {
  ExpectRefused(GetParam(), Read);
}

INSTANTIATE_TEST_SUITE_P(Files, GgufHostileTest, testing::ValuesIn(AllCases()),
                         [](const auto& info) { return info.param.name; });

TEST(GgufHostileTest, TheGoodFileIsGood) {
  EXPECT_TRUE(Read(Good().Bytes()).ok()) << Read(Good().Bytes());
  EXPECT_GE(AllCases().size(), 300u);
}

// Files with holes: large without their bytes.
BadFile SparseFile(const GgufFile::Value& value, const std::string& message) {
  GgufFile file = Good();
  file.values.push_back(value);
  std::string bytes = file.Bytes();
  const size_t end = bytes.find(value.bytes, bytes.find(value.key));
  bytes.resize(end + value.bytes.size());
  return {"Sparse", bytes, message};
}

absl::Status ReadSparse(const std::string& bytes) {
  const std::string path = WriteFile("sparse.gguf", bytes);
  EXPECT_EQ(truncate(path.c_str(), int64_t{8} << 30), 0);
  auto file = InputFile::Open(path);
  EXPECT_TRUE(file.ok());
  const absl::Status status = ReadEverything(OpenGguf(*std::move(file)));
  EXPECT_EQ(truncate(path.c_str(), 0), 0);
  return status;
}

TEST(GgufHostileTest, MetadataIsBounded) {
  ExpectRefused(SparseFile({"numbers", kArray, Raw(kU64) + Raw64(1 << 28)},
                           "metadata numbers ends past 16777216 bytes"),
                ReadSparse);
  ExpectRefused(SparseFile({"texts", kArray, Raw(kString) + Raw64(1 << 28)},
                           "metadata texts is an array of 268435456 strings"),
                ReadSparse);
  // As many as are read, all empty; after them comes a tensor without a name.
  ExpectRefused(SparseFile({"texts", kArray, Raw(kString) + Raw64(1 << 20)},
                           "tensor 0 is named ''"),
                ReadSparse);
  ExpectRefused(
      SparseFile({"text", kArray, Raw(kString) + Raw64(1) + Raw64(1 << 30)},
                 "metadata text ends past 16777216 bytes"),
      ReadSparse);
  ExpectRefused(SparseFile({"text", kString, Raw64(1 << 30)},
                           "a string of 1073741824 bytes"),
                ReadSparse);
}

}  // namespace
}  // namespace oxbow
