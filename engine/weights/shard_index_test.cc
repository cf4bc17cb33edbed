#include "engine/weights/shard_index.h"

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/weights/tensor_source.h"
#include "engine/weights/testing/bad_file.h"
#include "engine/weights/testing/mutate.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr char kGood[] =
    R"({"metadata":{"total_size":12,"other":[1,{"x":null}]},)"
    R"("weight_map":{"a":"1.safetensors","b":"2.safetensors",)"
    R"("c":"1.safetensors"}})";

TEST(ShardIndexTest, GroupsTensorsByFile) {
  const auto index = ParseShardIndex(kGood);
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_THAT(*index, ElementsAre(Pair("1.safetensors", ElementsAre("a", "c")),
                                  Pair("2.safetensors", ElementsAre("b"))));
}

// An index whose only tensor is in this file.
std::string In(const std::string& file) {
  return absl::StrCat(R"({"weight_map":{"a":)", file, "}}");
}

// One whose weight_map has `count` tensors, each in a file of its own or all in
// one.
std::string Many(int count, bool own_files) {
  std::string text = R"({"weight_map":{)";
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&text, i > 0 ? "," : "", "\"t", i, "\":\"",
                    own_files ? i : 0, ".safetensors\"");
  }
  return text + "}}";
}

std::vector<BadFile> BadIndexes() {
  const auto unimplemented = absl::StatusCode::kUnimplemented;
  const char* outside = "is not the name of a file beside the index";
  return {
      {"Nothing", "", "not JSON"},
      {"NotJson", "weights", "not JSON at byte"},
      {"Cut", std::string(kGood, 60), "not JSON at byte"},
      {"MoreAfter", absl::StrCat(kGood, "}"), "not JSON at byte"},
      {"NotUtf8", In("\"\xff.safetensors\""), "not JSON"},
      {"Comment", absl::StrCat("/* */", kGood), "not JSON"},
      {"NumberNaN", R"({"weight_map":NaN})", "not JSON"},
      {"List", "[]", "not a JSON object"},
      {"Number", "7", "not a JSON object"},
      {"Null", "null", "not a JSON object"},
      {"Text", "\"weight_map\"", "not a JSON object"},
      {"NoMap", "{}", "no object weight_map"},
      {"OnlyMetadata", R"({"metadata":{}})", "no object weight_map"},
      {"MapMisspelt", R"({"weight_maps":{"a":"b.safetensors"}})",
       "no object weight_map"},
      {"MapIsNull", R"({"weight_map":null})", "no object weight_map"},
      {"MapIsList", R"({"weight_map":["a"]})", "no object weight_map"},
      {"MapIsText", R"({"weight_map":"a"})", "no object weight_map"},
      {"MapIsNumber", R"({"weight_map":1})", "no object weight_map"},
      {"MapIsEmpty", R"({"weight_map":{}})", "has 0 tensors"},
      {"MapTwice", R"({"weight_map":{"a":"b.safetensors"},"weight_map":{}})",
       "key 'weight_map' is there twice"},
      {"TensorTwice",
       R"({"weight_map":{"a":"1.safetensors","a":"2.safetensors"}})",
       "key 'a' is there twice"},
      {"TensorWithoutName", R"({"weight_map":{"":"1.safetensors"}})",
       "name has 0 bytes"},
      {"TensorWithLongName",
       absl::StrCat(R"({"weight_map":{")", std::string(300, 'x'),
                    R"(":"1.safetensors"}})"),
       "name has 300 bytes"},
      {"FileIsNumber", In("1"), "a: its file is not named by text"},
      {"FileIsNull", In("null"), "a: its file is not named by text"},
      {"FileIsList", In(R"(["1.safetensors"])"), "not named by text"},
      {"FileIsObject", In(R"({"file":"1.safetensors"})"), "not named by text"},
      {"FileIsTrue", In("true"), "not named by text"},
      {"FileEmpty", In("\"\""), outside},
      {"FileIsDot", In("\".\""), outside},
      {"FileIsDotDot", In("\"..\""), outside},
      {"FileAbove", In(R"("../x.safetensors")"), outside},
      {"FileFarAbove", In(R"("a/../../x.safetensors")"), outside},
      {"FileBelow", In(R"("a/x.safetensors")"), outside},
      {"FileAbsolute", In(R"("/etc/x.safetensors")"), outside},
      {"FileOfBackslashes", In(R"("..\\x.safetensors")"), outside},
      {"FileHidden", In(R"(".x.safetensors")"), outside},
      {"FileEscapedSlash", In(R"("..\u002fx.safetensors")"), outside},
      {"FileWithNul", In(R"("x.pth\u0000.safetensors")"), outside},
      {"FileWithNewline", In(R"("x\n.safetensors")"), outside},
      {"FileWithEscape", In(R"("\u001b[2J.safetensors")"), outside},
      {"FileLong", In("\"" + std::string(256, 'x') + ".safetensors\""),
       outside},
      {"FileIsDevice", In(R"("/dev/zero")"), outside},
      {"FileIsPth", In(R"("pytorch_model-00001.bin")"), "shards in .safetens",
       unimplemented},
      {"FileIsIndex", In(R"("model.safetensors.index.json")"),
       "shards in .safetensors", unimplemented},
      {"FileWithoutEnding", In(R"("x")"), "shards in .safetensors",
       unimplemented},
      {"FileInCapitals", In(R"("x.SAFETENSORS")"), "shards in .safetensors",
       unimplemented},
      {"TooManyTensors", Many(kTensorsMax + 1, false), "16385 tensors"},
      {"TooManyFiles", Many(kShardsMax + 1, true), "more than 256 files"},
      {"TooManyValues", Many(3 * kTensorsMax, false), "more than 32768 values"},
      {"DeepList", std::string(1 << 20, '['), "nested too deep"},
      {"DeepMetadata", R"({"metadata":{"a":{"b":{"c":{}}}}})", "nested too"},
      {"HugeNumber", absl::StrCat("[", std::string(4 << 20, '1'), "]"),
       "not JSON at byte 4194305"},
      {"ManyNumbers",
       [] {
         std::string text = "[0";
         for (int i = 0; i < 1 << 21; ++i) text += ",1";
         return text + "]";
       }(),
       "more than 32768 values"},
  };
}

class BadIndexTest : public testing::TestWithParam<BadFile> {};

TEST_P(BadIndexTest, IsRefusedInASentence) {
  ExpectRefused(GetParam(), [](const std::string& text) {
    return ParseShardIndex(text).status();
  });
}

INSTANTIATE_TEST_SUITE_P(Indexes, BadIndexTest, testing::ValuesIn(BadIndexes()),
                         [](const auto& info) { return info.param.name; });

TEST(ShardIndexTest, EveryTruncationIsRefused) {
  const std::string good = kGood;
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ParseShardIndex(good.substr(0, size)).ok()) << size;
  }
}

TEST(ShardIndexTest, RandomDamageNeverLeavesTheFolder) {
  std::mt19937 random(1);
  for (int round = 0; round < 5000; ++round) {
    const auto index = ParseShardIndex(Mutate(kGood, sizeof(kGood), random));
    if (!index.ok()) continue;
    for (const auto& [file, tensors] : *index) {
      EXPECT_EQ(file.find('/'), std::string::npos);
      EXPECT_NE(file[0], '.');
    }
  }
}

}  // namespace
}  // namespace oxbow
