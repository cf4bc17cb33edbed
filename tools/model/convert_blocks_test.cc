// A file of blocks is the model that oxbowd would have made of its source.
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/model/load_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/testing/gguf_writer.h"
#include "tests/testing/tiny_model.h"
#include "tools/model/convert.h"
#include "tools/model/inspect.h"

namespace oxbow {
namespace {

using Json = nlohmann::json;

constexpr WeightPrecision kPrecisions[] = {
    WeightPrecision::kAsStored, WeightPrecision::kInt8, WeightPrecision::kInt4};

std::string PathOf(const std::string& name) {
  return absl::StrCat(testing::TempDir(), "/", name);
}

std::unique_ptr<Model> Load(const std::string& path,
                            WeightPrecision precision) {
  LoadModelOptions options;
  options.threads = 2;
  options.slots_max = 1;
  options.precision = precision;
  auto model = LoadModel(path, options);
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

std::vector<float> LogitsOf(Model& model) {
  Batch batch;
  batch.tokens = {1, 2, 3, 200};
  batch.row_end = {4};
  batch.slots = {*model.NewState()};
  batch.hidden_rows = {3};
  std::vector<float> hidden(model.info().width);
  model.Step(batch, absl::MakeSpan(hidden));
  std::vector<float> logits(model.info().vocabulary_size);
  model.Logits(hidden, absl::MakeSpan(logits));
  return logits;
}

std::string Converted(const std::string& from, WeightPrecision precision) {
  ConvertFlags flags;
  flags.from = from;
  flags.to = from + ".safetensors";
  flags.weights = precision;
  std::ostringstream out;
  const absl::Status status = Convert(flags, /*is_terminal=*/false, &out);
  EXPECT_TRUE(status.ok()) << status;
  return flags.to;
}

// Loaded as it is, the file is what `from` becomes when it is loaded so; it
// is still the same once it is converted again.
void ExpectSameModel(const std::string& from, WeightPrecision precision) {
  const std::string to = Converted(from, precision);
  const auto want = Load(from, precision);
  const auto got = Load(to, WeightPrecision::kAsStored);
  EXPECT_EQ(got->info().weights_id, want->info().weights_id);
  EXPECT_EQ(got->info().weights_dtype, want->info().weights_dtype);
  EXPECT_EQ(LogitsOf(*got), LogitsOf(*want));
  EXPECT_EQ(Load(to, precision)->info().weights_id, want->info().weights_id);
  const std::string again = Converted(to, WeightPrecision::kAsStored);
  EXPECT_EQ(Load(again, WeightPrecision::kAsStored)->info().weights_id,
            want->info().weights_id);
}

class ConvertBlocksTest : public testing::TestWithParam<std::string> {};

TEST_P(ConvertBlocksTest, LoadsAsTheModelThatIsQuantizedWhileLoading) {
  TinyModelOptions tiny;
  tiny.version = GetParam();
  tiny.time_first = GetParam() == "5.2";
  const std::string path = PathOf(GetParam() + ".pth");
  for (const DType dtype : {DType::kBF16, DType::kF32}) {
    tiny.dtype = dtype;
    ASSERT_TRUE(WriteTinyModel(tiny, path).ok());
    for (const WeightPrecision precision : kPrecisions) {
      ASSERT_NO_FATAL_FAILURE(ExpectSameModel(path, precision));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Versions, ConvertBlocksTest,
    testing::Values("4", "5.0", "5.1", "5.2", "6", "7"), [](const auto& info) {
      return "Rwkv" + absl::StrReplaceAll(info.param, {{".", "_"}});
    });

// With low-rank matrices that lie in blocks the other way round.
TEST(ConvertGgufTest, BlocksStayBlocks) {
  for (const char* version : {"6", "7"}) {
    TinyModelOptions tiny;
    tiny.version = version;
    tiny.w_rank = tiny.a_rank = tiny.v_rank = tiny.g_rank = 32;
    tiny.mix_rank = 32;
    tiny.head_size = 32;  // so that heads are whole blocks, too
    for (const DType dtype : {DType::kQ8_0, DType::kQ5_1}) {
      GgufModelOptions options;
      options.dtype = dtype;
      options.all_in_dtype = true;
      const std::string path = PathOf(absl::StrCat(version, ".gguf"));
      ASSERT_TRUE(WriteGguf(MakeTinyTensors(tiny), options, path).ok());
      for (const WeightPrecision precision : kPrecisions) {
        ASSERT_NO_FATAL_FAILURE(ExpectSameModel(path, precision));
      }
    }
  }
}

// No converter writes such, but a file may hold them.
TEST(ConvertGgufTest, HeadsThatCutBlocksBecomeNumbers) {
  GgufModelOptions options;
  options.dtype = DType::kQ8_0;
  options.all_in_dtype = true;
  const std::string path = PathOf("heads.gguf");
  ASSERT_TRUE(
      WriteGguf(MakeTinyTensors(TinyModelOptions()), options, path).ok());
  const std::string to = Converted(path, WeightPrecision::kAsStored);
  EXPECT_EQ(LogitsOf(*Load(to, WeightPrecision::kAsStored)),
            LogitsOf(*Load(path, WeightPrecision::kAsStored)));
}

TEST(ConvertBlocksSizeTest, TheFileIsAsSmallAsTheModel) {
  TinyModelOptions tiny;
  tiny.width = 256;
  tiny.head_size = 64;
  tiny.dtype = DType::kBF16;
  const std::string path = PathOf("size.pth");
  ASSERT_TRUE(WriteTinyModel(tiny, path).ok());
  const double stored = std::filesystem::file_size(path);
  const auto size_of = [&](WeightPrecision precision) {
    return std::filesystem::file_size(Converted(path, precision)) / stored;
  };
  EXPECT_LT(size_of(WeightPrecision::kInt8), 0.6);
  EXPECT_LT(size_of(WeightPrecision::kInt4), 0.4);
}

TEST(ConvertBlocksInspectTest, TellsHowEachTensorIsKept) {
  const std::string path = PathOf("inspect.pth");
  ASSERT_TRUE(WriteTinyModel(TinyModelOptions(), path).ok());
  InspectFlags flags;
  flags.tensors = true;
  flags.json = true;
  const auto dtypes_of = [&](const std::string& file, WeightPrecision weights) {
    flags.model.path = file;
    flags.model.weights = weights;
    std::ostringstream out;
    EXPECT_TRUE(Inspect(flags, false, &out).ok());
    const Json json = Json::parse(out.str());
    for (const Json& tensor : json["tensors"]) {
      if (tensor["name"] != "blocks.0.att.key.weight") continue;
      EXPECT_EQ(tensor["shape"], Json({64, 64}));
      return absl::StrCat(tensor["dtype"].get<std::string>(), " ",
                          tensor["kept"].get<std::string>());
    }
    return std::string("none");
  };
  EXPECT_EQ(dtypes_of(path, WeightPrecision::kAsStored), "bf16 bf16");
  EXPECT_EQ(dtypes_of(path, WeightPrecision::kInt4), "bf16 q4_0");
  EXPECT_EQ(dtypes_of(Converted(path, WeightPrecision::kInt4),
                      WeightPrecision::kAsStored),
            "q4_0 q4_0");
}

}  // namespace
}  // namespace oxbow
