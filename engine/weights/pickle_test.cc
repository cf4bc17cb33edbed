#include "engine/weights/pickle.h"

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/weights/tensor_source.h"
#include "engine/weights/testing/mutate.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/pth_writer.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using std::string_literals::operator""s;

// Instructions, as bytes.
const std::string kStart = "\x80\x02";
std::string Text(const std::string& text) {
  return "X"s + static_cast<char>(text.size()) + "\0\0\0"s + text;
}
std::string Int1(uint8_t number) { return "K"s + static_cast<char>(number); }
std::string Global(const std::string& module, const std::string& name) {
  return absl::StrCat("c", module, "\n", name, "\n");
}
const std::string kDict = Global("collections", "OrderedDict") + ")R";
const std::string kRebuild = Global("torch._utils", "_rebuild_tensor_v2");

// A reference to storage "0" of so many numbers.
std::string Storage(uint8_t count = 6) {
  return "("s + Text("storage") + Global("torch", "FloatStorage") + Text("0") +
         Text("cpu") + Int1(count) + "tQ";
}
// A tensor [2,3].
std::string Tensor() {
  return kRebuild + "(" + Storage() + Int1(0) + "(" + Int1(2) + Int1(3) + "t(" +
         Int1(3) + Int1(1) + "t\x89" + kDict + "tR";
}
std::string DictOf(const std::string& items) {
  return kStart + kDict + "(" + items + "u.";
}

TEST(PickleTest, ReadsWhatTorchWrites) {
  const auto file = ReadPickle(DictOf(Text("a.b") + Tensor()));
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->tensors.size(), 1u);
  const PickledTensor& tensor = file->tensors[0];
  EXPECT_EQ(tensor.name, "a.b");
  EXPECT_EQ(tensor.dtype, DType::kF32);
  EXPECT_EQ(tensor.storage_key, "0");
  EXPECT_EQ(tensor.storage_count, 6);
  EXPECT_EQ(tensor.offset, 0);
  EXPECT_THAT(tensor.shape, ElementsAre(2, 3));
  EXPECT_THAT(tensor.strides, ElementsAre(3, 1));
}

TEST(PickleTest, KnowsTheWaysToSayTheSame) {
  const std::string name = Text("w");
  const struct {
    const char* what;
    std::string pickle;
  } cases[] = {
      {"plain dict", kStart + "}(" + name + Tensor() + "u."},
      {"one item", kStart + "}" + name + Tensor() + "s."},
      {"memo", kStart + "}q\1(" + name + "q\2" + Tensor() + "r\3\0\0\0u0"s},
      {"parameter", DictOf(name + Global("torch._utils", "_rebuild_parameter") +
                           Tensor() + "\x88" + kDict + "\x87R")},
      {"attributes", kStart + kDict + "(" + name + Tensor() + "u}" +
                         Text("_metadata") + kDict + "sb."},
      {"binary numbers",
       DictOf(name + kRebuild + "(" + "("s + Text("storage") +
              Global("torch", "FloatStorage") + Text("0") + Text("cpu") +
              "J\6\0\0\0tQ"s + "M\0\0"s + "\x8a\1\2\x8a\2\3\0\x86"s + Int1(3) +
              Int1(1) + "\x86\x89}tR")},
  };
  for (const auto& known : cases) {
    std::string pickle = known.pickle;
    if (pickle.back() == '0') pickle.back() = '.';
    const auto file = ReadPickle(pickle);
    ASSERT_TRUE(file.ok()) << known.what << ": " << file.status();
    ASSERT_EQ(file->tensors.size(), 1u) << known.what;
    EXPECT_EQ(file->tensors[0].name, "w") << known.what;
    EXPECT_THAT(file->tensors[0].shape, ElementsAre(2, 3)) << known.what;
  }
}

TEST(PickleTest, ReadsDtypesAndNegativeNumbers) {
  for (const auto& [name, dtype] :
       {std::pair("HalfStorage", DType::kF16),
        std::pair("BFloat16Storage", DType::kBF16)}) {
    const std::string pickle = DictOf(
        Text("w") + kRebuild + "((" + Text("storage") + Global("torch", name) +
        Text("k") + Text("cuda:0") + Int1(1) + "tQ" + "J\xff\xff\xff\xff" +
        "\x8a\1\xff\x85" + "\x8a\0\x85\x89}tR"s);
    const auto file = ReadPickle(pickle);
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(file->tensors[0].dtype, dtype);
    EXPECT_EQ(file->tensors[0].offset, -1);
    EXPECT_THAT(file->tensors[0].shape, ElementsAre(-1));
    EXPECT_THAT(file->tensors[0].strides, ElementsAre(0));
  }
}

TEST(PickleTest, ReadsTheLayersOfAReranker) {
  const std::string tensor = Text("w") + Tensor();
  const std::string name = Text("reranker_layer_idx");
  const struct {
    const char* what;
    std::string list;
    std::vector<int64_t> want;
  } cases[] = {{"none", "]", {}},
               {"one", "]" + Int1(3) + "a", {3}},
               {"several",
                "]q\5(" + Int1(0) + "\x8a\1\xff" + "M\0\1"s + "e",
                {0, -1, 256}},
               {"in two parts", "](" + Int1(1) + "e(" + Int1(2) + "e", {1, 2}}};
  for (const auto& known : cases) {
    const auto file = ReadPickle(DictOf(name + known.list + tensor));
    ASSERT_TRUE(file.ok()) << known.what << ": " << file.status();
    EXPECT_EQ(file->reranker_layers, known.want) << known.what;
    EXPECT_EQ(file->tensors.size(), 1u) << known.what;
  }
  EXPECT_FALSE(ReadPickle(DictOf(tensor))->reranker_layers.has_value());
}

struct BadPickle {
  const char* name;
  std::string pickle;
  const char* message;
};

std::vector<BadPickle> BadPickles() {
  const std::string evil_args = "(" + Text("rm -rf /") + "tR";
  return {
      {"Nothing", "", "byte 0: the pickle ends too soon"},
      {"OnlyStart", kStart, "byte 2: the pickle ends too soon"},
      {"NotAPickle", "hello", "byte 0: not a pickle of protocol 2"},
      {"Protocol0", "(dp0\n.", "not a pickle of protocol 2"},
      {"Protocol4", "\x80\x04}.", "protocol 4, want 2"},
      {"System", kStart + Global("os", "system") + evil_args + ".",
       "byte 2: 'os system' is not a name of a tensor file"},
      {"Posix", kStart + Global("posix", "system") + evil_args + ".",
       "'posix system'"},
      {"Eval", kStart + Global("__builtin__", "eval") + evil_args + ".",
       "'__builtin__ eval'"},
      {"Builtins", kStart + Global("builtins", "exec") + evil_args + ".",
       "'builtins exec'"},
      {"Subprocess", kStart + Global("subprocess", "Popen") + evil_args + ".",
       "'subprocess Popen'"},
      {"DoubleStorage", kStart + Global("torch", "DoubleStorage") + ".",
       "'torch DoubleStorage'"},
      {"LoadModule", kStart + Global("torch", "load") + ".", "'torch load'"},
      {"StrangeName", kStart + Global("a\x1b[31m", "b") + ".",
       "'a\\033[31m b'"},
      {"NameWithoutEnd", kStart + "c" + std::string(500, 'a'),
       "a name without an end"},
      {"NameCutOff", kStart + "cos\nsys", "a name without an end"},
      {"Inst", kStart + "(ios\nsystem\n.", "instruction 0x69 is not one"},
      {"Obj", kStart + "(o.", "instruction 0x6f is not one"},
      {"NewObj", kStart + "}}\x81.", "instruction 0x81 is not one"},
      {"StackGlobal", kStart + "\x93.", "instruction 0x93 is not one"},
      {"Extension", kStart + "\x82\1.", "instruction 0x82 is not one"},
      {"Frame", kStart + "\x95\0\0\0\0\0\0\0\0."s, "instruction 0x95"},
      {"Long4", kStart + "\x8b\xff\xff\xff\x7f", "instruction 0x8b"},
      {"PersistentText", kStart + "P0\n.", "instruction 0x50"},
      {"Float", kStart + "G\0\0\0\0\0\0\0\0."s, "instruction 0x47"},
      {"Zero", kStart + "\0"s, "instruction 0x00"},
      {"EmptyStack", kStart + "R.", "byte 2: the stack is empty"},
      {"CallOfText", kStart + Text("f") + ")R.", "no function"},
      {"CallWithoutTuple",
       kStart + Global("collections", "OrderedDict") + "}R.", "no function"},
      {"CallOfStorage", kStart + Global("torch", "FloatStorage") + ")R.",
       "a call of a storage type"},
      {"DictWithArguments",
       kStart + Global("collections", "OrderedDict") + "(" + Int1(1) + "tR.",
       "OrderedDict with arguments"},
      {"TensorOfNothing", kStart + kRebuild + ")R.", "strange arguments"},
      {"TensorOfText",
       kStart + kRebuild + "(" + Text("0") + Int1(0) + "))\x89}tR.",
       "strange arguments"},
      {"TensorOfTooMany",
       kStart + kRebuild + "(" + Storage() + Int1(0) + "))\x89}}}tR.",
       "strange arguments"},
      {"ParameterOfText",
       kStart + Global("torch._utils", "_rebuild_parameter") + "(" + Text("0") +
           "tR.",
       "a parameter that is no tensor"},
      {"StorageOfText", kStart + Text("storage") + "Q.", "not to a storage"},
      {"StorageOfTooFew", kStart + "(" + Text("storage") + "tQ.",
       "not to a storage"},
      {"StorageOfOtherType",
       kStart + "(" + Text("storage") + Global("collections", "OrderedDict") +
           Text("0") + Text("cpu") + Int1(1) + "tQ.",
       "not to a storage"},
      {"MarkMissing", kStart + "t.", "there is no mark"},
      {"PopsPastMark", kStart + "}(Rt.", "the stack is empty"},
      {"PairPastMark", kStart + Int1(1) + "(" + Int1(1) + "\x86.",
       "the stack is empty"},
      {"ItemsWithoutDict", kStart + "(" + Text("a") + Int1(1) + "u.",
       "items without a dict"},
      {"ItemsOfOdd", kStart + "}(" + Text("a") + "u.", "items without a dict"},
      {"ItemsIntoText", kStart + Text("d") + "(" + Text("a") + Int1(1) + "u.",
       "items without a dict"},
      {"ItemOfOne", kStart + "}s.", "the stack is empty"},
      {"AttributesOfText", kStart + Text("a") + "}b.", "that is no dict"},
      {"MemoMissing", kStart + "h\7.", "nothing is kept under 7"},
      {"MemoOfNothing", kStart + "q\7.", "the stack is empty"},
      {"LongOfNine", kStart + "\x8a\x09" + std::string(9, '\1') + ".",
       "more than 64 bits"},
      {"TextCutOff", kStart + "X\xff\xff\xff\xff" + "abc", "ends too soon"},
      {"BytesAfterTheEnd", DictOf("") + "x", "bytes after the end"},
      {"ResultIsText", kStart + Text("a") + ".", "not a dict of tensors"},
      {"ResultIsTwo", kStart + "}}.", "not a dict of tensors"},
      {"ResultIsNone", kStart + ".", "not a dict of tensors"},
      {"NameIsNumber", DictOf(Int1(1) + Tensor()), "name is not a string"},
      {"TensorIsNumber", DictOf(Text("step") + Int1(1)),
       "step: is not a tensor"},
      {"NestedDict", DictOf(Text("state_dict") + kDict),
       "state_dict: is not a tensor"},
      {"ShapeOfText",
       DictOf(Text("w") + kRebuild + "(" + Storage() + Int1(0) + "(" +
              Text("2") + "t)\x89}tR"),
       "not made of numbers"},
      {"OtherList", DictOf(Text("layers") + "]" + Int1(1) + "a"),
       "layers: is not a tensor"},
      {"LayersOfText",
       DictOf(Text("reranker_layer_idx") + "]" + Text("1") + "a"),
       "reranker_layer_idx: want a list of at most 256 whole numbers"},
      {"LayersOfLists", DictOf(Text("reranker_layer_idx") + "]q\1h\1a"),
       "want a list of at most 256"},
      {"LayersWithoutList", DictOf(Text("reranker_layer_idx") + Int1(1)),
       "want a list of at most 256"},
      {"LayersWithoutEnd",
       DictOf(Text("reranker_layer_idx") + "](" + std::string(514, 'K') + "e"),
       "want a list of at most 256"},
      {"AppendToNothing", kStart + Int1(1) + "a.", "the stack is empty"},
      {"AppendToADict", kStart + "}" + Int1(1) + "a.", "without a list"},
      {"AppendsAcrossAMark", kStart + "](" + Int1(1) + "a.", "without a list"},
      {"AppendsToNothing", kStart + "(e.", "without a list"},
      {"ShapeOfSeventeen",
       DictOf(Text("w") + kRebuild + "(" + Storage() + Int1(0) +
              "(KKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKt)\x89}tR"),
       "too many dimensions"},
  };
}

class BadPickleTest : public testing::TestWithParam<BadPickle> {};

TEST_P(BadPickleTest, IsRefusedInASentence) {
  const auto file = ReadPickle(GetParam().pickle);
  EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(file.status().message()),
              HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(Pickles, BadPickleTest,
                         testing::ValuesIn(BadPickles()),
                         [](const auto& info) { return info.param.name; });

TEST(PickleTest, BoundsValuesAndTensors) {
  const auto values =
      ReadPickle(kStart + std::string(size_t{2} << 20, 'N') + ".");
  EXPECT_THAT(std::string(values.status().message()),
              HasSubstr("too many values"));
  // One tensor under a name, referred to again and again.
  std::string items = Text("w") + "q\1" + Tensor() + "q\2";
  for (int i = 0; i < 20000; ++i) items += "h\1h\2";
  const auto file = ReadPickle(DictOf(items));
  EXPECT_THAT(std::string(file.status().message()),
              HasSubstr("20001 tensors, at most 16384"));
}

TEST(PickleTest, EveryTruncationIsRefused) {
  const std::string good = DictOf(Text("a") + Tensor());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ReadPickle(good.substr(0, size)).ok()) << size;
  }
}

TEST(PickleTest, RandomDamageNeverCrashes) {
  std::vector<TinyTensor> tensors;
  for (const char* name : {"a", "b", "c"}) {
    tensors.push_back({name, {2, 3}, std::vector<float>(6)});
  }
  const std::string good = PickleOf(tensors, DType::kBF16);
  ASSERT_TRUE(ReadPickle(good).ok());
  std::mt19937 random(1);
  int refused = 0;
  for (int round = 0; round < 10000; ++round) {
    const auto result = ReadPickle(Mutate(good, good.size(), random));
    if (result.ok()) continue;
    ++refused;
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_GT(refused, 5000);
}

}  // namespace
}  // namespace oxbow
