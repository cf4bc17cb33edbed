// rwkv.cpp files that are wrong in one place each, made from a good one.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/weights/rwkv_cpp.h"
#include "engine/weights/tensor_catalog.h"
#include "engine/weights/testing/bad_file.h"
#include "engine/weights/testing/read_everything.h"
#include "tests/fuzz/memory_file.h"
#include "tests/testing/rwkv_cpp_writer.h"
#include "tests/testing/tiny_tensor.h"

namespace oxbow {
namespace {

constexpr auto kUnimplemented = absl::StatusCode::kUnimplemented;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

RwkvCppFile::Tensor Floats(const std::string& name,
                           std::vector<uint32_t> dimensions,
                           const std::vector<float>& numbers) {
  return {name, std::move(dimensions), 0, Encode(numbers, DType::kF32)};
}

// Of RWKV-5: with an ln_x, without a time_maa_x.
RwkvCppFile Good() {
  RwkvCppFile file;
  file.vocabulary_size = 4;
  file.width = 8;
  file.layers = 1;
  file.type = 2;
  file.tensors = {
      Floats("emb.weight", {8, 4}, std::vector<float>(32, 0.5f)),
      Floats("blocks.0.ln1.weight", {8}, std::vector<float>(8, 1.0f)),
      Floats("blocks.0.att.ln_x.weight", {8}, std::vector<float>(8, 1.0f)),
      Floats("blocks.0.att.time_decay", {1, 4, 2}, std::vector<float>(8, 0.5f)),
      Floats("blocks.0.att.time_first", {1, 1, 2}, {0.5f, 2.0f}),
      {"blocks.0.att.key.weight", {32, 2}, 2, std::string(36, '\1')}};
  return file;
}

// Read through the catalog, which compares the header with the tensors.
absl::Status Read(const std::string& bytes) {
  const auto open = [&] { return OpenRwkvCpp(MemoryFile(bytes)); };
  const absl::Status status = ReadEverything(open());
  return status.ok() ? TensorCatalog::Make(*open()).status() : status;
}

class Cases {
 public:
  void Add(const std::string& name,
           const std::function<void(RwkvCppFile*)>& change,
           const std::string& message, absl::StatusCode code = kInvalid) {
    RwkvCppFile file = Good();
    change(&file);
    cases_.push_back({name, file.Bytes(), message, code});
  }
  // The last tensor changed: a matrix of Q4_0.
  void AddTensor(const std::string& name,
                 const std::function<void(RwkvCppFile::Tensor*)>& change,
                 const std::string& message, absl::StatusCode code = kInvalid) {
    Add(
        name, [&](RwkvCppFile* file) { change(&file->tensors.back()); },
        message, code);
  }
  // One number of a tensor of floats changed.
  void AddNumber(const std::string& name, int tensor, float number,
                 const std::string& message) {
    Add(
        name,
        [&](RwkvCppFile* file) {
          file->tensors[tensor].bytes.replace(4, 4,
                                              Encode({number}, DType::kF32));
        },
        message);
  }
  void AddBytes(const std::string& name, const std::string& bytes,
                const std::string& message) {
    cases_.push_back({name, bytes, message, kInvalid});
  }
  std::vector<BadFile> Take() { return std::move(cases_); }

 private:
  std::vector<BadFile> cases_;
};

struct Type {
  uint32_t number;
  const char* name;
};
constexpr Type kOtherTypes[] = {{4, "Q4_1_O (4)"},
                                {5, "Q4_2 (5)"},
                                {6, "Q4_3 (6)"},
                                {10, "Q8_1 (10)"},
                                {11, "Q2_K (11)"},
                                {12, "Q3_K (12)"},
                                {16, "Q8_K (16)"},
                                {17, "17"},
                                {255, "255"},
                                {0x80000000u, "2147483648"},
                                {0xffffffffu, "4294967295"}};

void AddHeaders(Cases& cases) {
  for (uint32_t version :
       {0u, 1u, 99u, 102u, 0x64000000u, 0x80000000u, 0xffffffffu}) {
    cases.Add(
        absl::StrCat("Version", version),
        [&](RwkvCppFile* file) { file->version = version; },
        absl::StrCat("a ggmf file of version ", version), kUnimplemented);
  }
  for (const Type& type : kOtherTypes) {
    cases.Add(
        absl::StrCat("HeaderType", type.number),
        [&](RwkvCppFile* file) { file->type = type.number; },
        absl::StrCat("the header: tensor type ", type.name), kUnimplemented);
  }
  for (uint32_t size : {0u, 3u, 5u, 0x80000000u, 0xffffffffu}) {
    cases.Add(
        absl::StrCat("Vocabulary", size),
        [&](RwkvCppFile* file) { file->vocabulary_size = size; },
        absl::StrCat("the file says ", size, " tokens"));
    cases.Add(
        absl::StrCat("Width", size),
        [&](RwkvCppFile* file) { file->width = size; },
        absl::StrCat("the file says ", size, " channels"));
    cases.Add(
        absl::StrCat("Layers", size),
        [&](RwkvCppFile* file) { file->layers = size; },
        absl::StrCat("the file says ", size, " layers"));
  }
  cases.Add(
      "NoTensors", [](RwkvCppFile* file) { file->tensors.clear(); },
      "without tensors");
  cases.Add(
      "TooManyTensors",
      [](RwkvCppFile* file) {
        for (int i = 0; i < 16384; ++i) {
          file->tensors.push_back(Floats(absl::StrCat("t", i), {1}, {1.0f}));
        }
      },
      "tensor 16384 is one more than the 16384");
}

using Tensor = RwkvCppFile::Tensor;

void AddNames(Cases& cases) {
  for (int64_t bytes :
       {int64_t{0}, int64_t{257}, int64_t{1} << 31, (int64_t{1} << 32) - 1}) {
    cases.AddTensor(
        absl::StrCat("NameBytes", bytes),
        [&](Tensor* t) { t->name_bytes = bytes; },
        absl::StrCat("tensor 5 has a name of ", bytes, " bytes"));
  }
  cases.AddTensor(
      "NamePastTheEnd",
      [](Tensor* t) {
        t->name_bytes = 200;
        t->bytes.clear();
      },
      "needs 200 bytes");
  const Type kNames[] = {{0, "a b"}, {1, "a\nb"}, {2, "\xff"},
                         {3, "a/b"}, {4, "w1^T"}, {5, "\x7f"},
                         {6, "a:b"}, {7, "'"},    {8, "\xc3\xa4"}};
  for (const Type& name : kNames) {
    cases.AddTensor(
        absl::StrCat("Name", name.number),
        [&](Tensor* t) { t->name = name.name; },
        "want letters, digits, '.' and '_'");
  }
  cases.AddTensor(
      "NameWithZero", [](Tensor* t) { t->name = std::string("a\0b", 3); },
      "is named 'a\\x00\\x62'");
  cases.AddTensor(
      "NameTwice", [](Tensor* t) { t->name = "emb.weight"; },
      "tensor 5 is named emb.weight like another");
}

void AddShapes(Cases& cases) {
  for (int64_t rank : {int64_t{0}, int64_t{4}, int64_t{5}, int64_t{1} << 31,
                       (int64_t{1} << 32) - 1}) {
    cases.AddTensor(
        absl::StrCat("Rank", rank), [&](Tensor* t) { t->rank = rank; },
        absl::StrCat("tensor 5 has ", rank, " dimensions, want 1 to 3"));
  }
  for (uint32_t dimension :
       {0u, (1u << 24) + 1, 1u << 31, 0xffffffe0u, 0xffffffffu}) {
    const std::string message =
        absl::StrCat("dimension ", dimension, " is not in 1");
    cases.AddTensor(
        absl::StrCat("First", dimension),
        [&](Tensor* t) {
          t->dimensions = {dimension, 2};
          t->type = 0;
        },
        message);
    cases.AddTensor(
        absl::StrCat("Last", dimension),
        [&](Tensor* t) {
          t->dimensions = {32, dimension};
        },
        message);
  }
  const uint32_t big = 1 << 24;
  cases.AddTensor(
      "Product",
      [&](Tensor* t) {
        t->dimensions = {big, big, big};
      },
      "has too many numbers");
  cases.AddTensor(
      "LargerThanTheFile",
      [&](Tensor* t) {
        t->dimensions = {big, 1 << 16};
      },
      "tensor blocks.0.att.key.weight needs 618475290624 bytes");
}

void AddTypes(Cases& cases) {
  for (const Type& type : kOtherTypes) {
    cases.AddTensor(
        absl::StrCat("Type", type.number),
        [&](Tensor* t) { t->type = type.number; },
        absl::StrCat("blocks.0.att.key.weight: tensor type ", type.name),
        kUnimplemented);
  }
  for (uint32_t type : {2u, 3u, 7u, 8u, 9u, 13u, 14u, 15u}) {
    for (uint32_t row : {1, 31, 33}) {
      cases.AddTensor(
          absl::StrCat("Row", row, "Of", type),
          [&](Tensor* t) {
            t->type = type;
            t->dimensions = {row, 32};
          },
          "does not end in whole blocks");
    }
  }
  for (uint32_t type : {13u, 14u, 15u}) {
    cases.Add(
        absl::StrCat("OldType", type),
        [&](RwkvCppFile* file) {
          file->version = 100;
          file->tensors.back().type = type;
          file->tensors.back().dimensions = {256};
        },
        "which version 100 does not know");
  }
}

void AddSizes(Cases& cases) {
  cases.AddTensor(
      "ByteTooFew", [](Tensor* t) { t->bytes.pop_back(); },
      "needs 36 bytes, the file ends 35 bytes on");
  cases.AddTensor(
      "ByteTooMany", [](Tensor* t) { t->bytes += 'x'; },
      "tensor 6 needs 4 bytes, the file ends 1 bytes on");
  cases.Add(
      "OldBlocksAreLarger", [](RwkvCppFile* file) { file->version = 100; },
      "needs 40 bytes, the file ends 36 bytes on");
}

// Numbers that the converter cannot have computed.
void AddNumbers(Cases& cases) {
  constexpr int kDecay = 3, kFirst = 4;
  const float kNan = std::nanf("");
  const float kInfinity = std::numeric_limits<float>::infinity();
  const std::string message = "which no decay of this version gives";
  cases.AddNumber("DecayAboveOne", kDecay, 1.5f, message);
  cases.AddNumber("DecayNegative", kDecay, -0.5f, message);
  cases.AddNumber("DecayNan", kDecay, kNan, message);
  cases.AddNumber("DecayInfinite", kDecay, kInfinity, message);
  cases.AddNumber("DecayMinusInfinite", kDecay, -kInfinity, message);
  cases.AddNumber("FirstNegative", kFirst, -1.0f, message);
  cases.AddNumber("FirstNan", kFirst, kNan, message);
  cases.AddNumber("FirstInfinite", kFirst, kInfinity, message);
  for (float number : {0.5f, 1e-30f, kNan, kInfinity, -kInfinity}) {
    // Without an ln_x this is RWKV-4, where decays are stored below zero.
    std::string name = absl::StrCat("Decay4Of", number);
    for (char& c : name) c = absl::ascii_isalnum(c) ? c : '_';
    cases.Add(
        name,
        [&](RwkvCppFile* file) {
          file->tensors = {file->tensors[0],
                           Floats("blocks.0.att.time_decay", {1}, {number})};
        },
        message);
  }
  cases.Add(
      "DecayInHalves",
      [](RwkvCppFile* file) {
        file->tensors[kDecay].type = 1;
        file->tensors[kDecay].bytes.resize(16);
      },
      "blocks.0.att.time_decay: is fp16, want fp32");
  cases.Add(
      "FirstInHalves",
      [](RwkvCppFile* file) {
        file->tensors[kFirst].type = 1;
        file->tensors[kFirst].bytes.resize(4);
      },
      "blocks.0.att.time_first: is fp16, want fp32");
}

void AddTruncations(Cases& cases) {
  std::vector<size_t> borders;
  const std::string good = Good().Bytes(&borders);
  // A file that ends between two tensors lacks a tensor, and a reader cannot
  // know; whoever asks for the tensor will.
  const auto is_between_tensors = [&](size_t size) {
    RwkvCppFile file = Good();
    while (file.tensors.size() > 1) {
      file.tensors.pop_back();
      if (file.Bytes().size() == size) return true;
    }
    return false;
  };
  for (size_t border : borders) {
    for (size_t size : {border, border + 1}) {
      if (is_between_tensors(size)) continue;
      cases.AddBytes(absl::StrCat("CutAt", size), good.substr(0, size), "");
    }
  }
}

std::vector<BadFile> AllCases() {
  Cases cases;
  AddHeaders(cases);
  AddNames(cases);
  AddShapes(cases);
  AddTypes(cases);
  AddSizes(cases);
  AddNumbers(cases);
  AddTruncations(cases);
  return cases.Take();
}

class RwkvCppHostileTest : public testing::TestWithParam<BadFile> {};

TEST_P(RwkvCppHostileTest, IsRefusedInASentence) {
  ExpectRefused(GetParam(), Read);
}

INSTANTIATE_TEST_SUITE_P(Files, RwkvCppHostileTest,
                         testing::ValuesIn(AllCases()),
                         [](const auto& info) { return info.param.name; });

TEST(RwkvCppHostileTest, TheGoodFileIsGood) {
  EXPECT_TRUE(Read(Good().Bytes()).ok()) << Read(Good().Bytes());
  EXPECT_GE(AllCases().size(), 150u);
}

}  // namespace
}  // namespace oxbow
