// oxbow-model: what it tells is so, and what it writes is the same model.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/model/load_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/testing/gguf_writer.h"
#include "tests/testing/pth_writer.h"
#include "tests/testing/renamed_tensors.h"
#include "tests/testing/rwkv_cpp_writer.h"
#include "tests/testing/safetensors_writer.h"
#include "tests/testing/tiny_model.h"
#include "tools/model/convert.h"
#include "tools/model/inspect.h"
#include "tools/model/tuned_state.h"

namespace oxbow {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

std::string InTestFolder(const std::string& name) {
  return absl::StrCat(testing::TempDir(), "/", name);
}

std::string WriteTiny(const std::string& name, DType dtype) {
  TinyModelOptions options;
  options.dtype = dtype;
  const std::string path = InTestFolder(name);
  EXPECT_TRUE(WriteTinyModel(options, path).ok());
  return path;
}

std::unique_ptr<Model> Load(const std::string& path) {
  LoadModelOptions options;
  options.threads = 1;
  options.slots_max = 1;
  auto model = LoadModel(path, options);
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

std::string WeightsId(const std::string& path) {
  return ToHex(Load(path)->info().weights_id);
}

absl::Status ConvertTo(const std::string& from, const std::string& to,
                       const std::string& dtype) {
  std::ostringstream out;
  ConvertFlags flags;
  flags.from = from;
  flags.to = to;
  flags.dtype = dtype;
  return Convert(flags, /*is_terminal=*/false, &out);
}

// Of a model without a head of words: the hidden row.
std::vector<float> LogitsOf(const std::string& path) {
  const std::unique_ptr<Model> model = Load(path);
  Batch batch;
  batch.tokens = {1, 2, 3, 200};
  batch.row_end = {4};
  batch.slots = {*model->NewState()};
  batch.hidden_rows = {3};
  std::vector<float> hidden(model->info().width);
  model->Step(batch, absl::MakeSpan(hidden));
  if (!model->info().has_lm_head) return hidden;
  std::vector<float> logits(model->info().vocabulary_size);
  model->Logits(hidden, absl::MakeSpan(logits));
  return logits;
}

// The file and what becomes of it are one model.
void ExpectKept(const std::string& from) {
  SCOPED_TRACE(from);
  const std::string to = InTestFolder("kept.safetensors");
  const absl::Status converted = ConvertTo(from, to, "");
  ASSERT_TRUE(converted.ok()) << converted;
  EXPECT_EQ(WeightsId(to), WeightsId(from));
  EXPECT_EQ(LogitsOf(to), LogitsOf(from));
}

TEST(ConvertTest, KeepsEveryVersion) {
  for (const char* version : {"4", "5.0", "5.1", "5.2", "6", "7"}) {
    for (const bool is_old : {false, true}) {
      TinyModelOptions options;
      options.version = version;
      options.time_first = is_old;
      options.first_layer_v = is_old;
      options.time_state = !is_old && options.version != "4";
      const std::string stem =
          InTestFolder(absl::StrCat(version, is_old ? "old" : ""));
      ASSERT_TRUE(WriteTinyModel(options, stem + ".pth").ok());
      ExpectKept(stem + ".pth");
      const auto tensors = MakeTinyTensors(options);
      if (!options.time_state) {
        ASSERT_TRUE(
            WriteRwkvCpp(tensors, {101, DType::kF32}, stem + ".bin").ok());
        ExpectKept(stem + ".bin");
      }
      if (is_old || options.version < "5.2") continue;
      const auto turned = AsWebRwkv(tensors, /*turns_all=*/true);
      ASSERT_TRUE(WriteSafetensors(turned, DType::kF16, stem + ".st").ok());
      ExpectKept(stem + ".st");
    }
  }
}

TEST(ConvertTest, KeepsAnEmbedderAndSquareLowRanks) {
  TinyModelOptions options;
  options.embedding_heads = {"retr", "cls"};
  options.lm_head = false;
  const std::string path = InTestFolder("heads.pth");
  ASSERT_TRUE(WriteTinyModel(options, path).ok());
  ExpectKept(path);

  TinyModelOptions square;
  square.w_rank = square.a_rank = square.v_rank = square.g_rank = square.width;
  ASSERT_TRUE(WriteTinyModel(square, path).ok());
  ExpectKept(path);
  EXPECT_THAT(std::string(ConvertTo(path, InTestFolder("x.st"), "").message()),
              HasSubstr("want a name that ends in .safetensors"));
}

TEST(ConvertTest, KeepsTheModelWhateverTheFormat) {
  const std::string pth = WriteTiny("a.pth", DType::kBF16);
  const std::string out = InTestFolder("a.safetensors");
  ASSERT_TRUE(ConvertTo(pth, out, "").ok());
  EXPECT_EQ(WeightsId(out), WeightsId(pth));

  const std::string gguf = InTestFolder("a.gguf");
  GgufModelOptions options;
  options.dtype = DType::kBF16;
  options.all_in_dtype = true;
  ASSERT_TRUE(
      WriteGguf(MakeTinyTensors(TinyModelOptions()), options, gguf).ok());
  ASSERT_TRUE(ConvertTo(gguf, out, "").ok());
  EXPECT_EQ(WeightsId(out), WeightsId(pth));
}

TEST(ConvertTest, WidensAndRoundsBack) {
  const std::string bf16 = WriteTiny("b.pth", DType::kBF16);
  const std::string wide = InTestFolder("wide.safetensors");
  const std::string back = InTestFolder("back.safetensors");
  ASSERT_TRUE(ConvertTo(bf16, wide, "fp32").ok());
  EXPECT_NE(WeightsId(wide), WeightsId(bf16));
  EXPECT_EQ(LogitsOf(wide), LogitsOf(bf16));
  ASSERT_TRUE(ConvertTo(wide, back, "bf16").ok());
  EXPECT_EQ(WeightsId(back), WeightsId(bf16));
  const std::string fp32 = WriteTiny("c.pth", DType::kF32);
  ASSERT_TRUE(ConvertTo(fp32, back, "bf16").ok());
  EXPECT_EQ(Load(back)->info().weights_dtype, "bf16");
}

TEST(InspectTest, SaysWhatKindOfModelItIs) {
  TinyModelOptions options;
  options.reranker = true;
  const std::string path = InTestFolder("reranker.pth");
  ASSERT_TRUE(WritePth(MakeTinyTensors(options), DType::kF32,
                       NamedInts("reranker_layer_idx", {1, 5}), path)
                  .ok());
  InspectFlags flags;
  flags.model.path = path;
  flags.json = true;
  flags.tensors = true;
  std::ostringstream out;
  ASSERT_TRUE(Inspect(flags, false, &out).ok());
  EXPECT_THAT(out.str(), HasSubstr("\"kind\":\"reranker\""));
  EXPECT_THAT(out.str(), HasSubstr("\"reranker_layers\":[1,5]"));
  EXPECT_THAT(out.str(), HasSubstr("\"head.2.weight\""));
  EXPECT_THAT(out.str(), Not(HasSubstr("model_id")));
  // A .safetensors file has no place for the layers.
  const absl::Status status = ConvertTo(path, InTestFolder("r.st"), "");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);

  flags.model.path = WriteTiny("lm.pth", DType::kBF16);
  ASSERT_TRUE(Inspect(flags, false, &out).ok());
  EXPECT_THAT(out.str(), HasSubstr("\"kind\":\"language model\""));
}

TEST(ConvertTest, BlocksBecomeTheNumbersTheyStandFor) {
  const std::string gguf = InTestFolder("q.gguf");
  GgufModelOptions options;
  options.dtype = DType::kQ5_1;
  ASSERT_TRUE(
      WriteGguf(MakeTinyTensors(TinyModelOptions()), options, gguf).ok());
  const std::string out = InTestFolder("q.safetensors");
  ASSERT_TRUE(ConvertTo(gguf, out, "").ok());
  // But for the 16 bits of activations that meet blocks.
  EXPECT_THAT(LogitsOf(out),
              testing::Pointwise(testing::FloatNear(5e-3f), LogitsOf(gguf)));
}

TEST(ConvertTest, WhatDoesNotFitIsSaidAndLeavesNoFile) {
  std::vector<TinyTensor> tensors = MakeTinyTensors(TinyModelOptions());
  for (TinyTensor& tensor : tensors) {
    if (tensor.name == "blocks.0.att.key.weight") tensor.numbers[5] = 70000.0f;
  }
  const std::string from = InTestFolder("large.safetensors");
  ASSERT_TRUE(WriteTensors(tensors, DType::kF32, from).ok());
  const std::string out = InTestFolder("fp16.safetensors");
  EXPECT_THAT(
      std::string(ConvertTo(from, out, "fp16").message()),
      HasSubstr("blocks.0.att.key.weight: has numbers too large for fp16"));
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_FALSE(std::filesystem::exists(out + ".part"));
  EXPECT_TRUE(ConvertTo(from, out, "bf16").ok());
  EXPECT_FALSE(ConvertTo(from, "/no/such/folder/x", "").ok());
}

TEST(ConvertTest, WritesAMergedModel) {
  const std::string model = WriteTiny("plain.pth", DType::kBF16);
  TinyTensor a = {"head.lora_A", {2, 64}, std::vector<float>(128, 0.25f)};
  TinyTensor b = {"head.lora_B", {256, 2}, std::vector<float>(512, 0.5f)};
  const std::string lora = InTestFolder("lora.pth");
  ASSERT_TRUE(WriteTensors({a, b}, DType::kBF16, lora).ok());
  ConvertFlags flags;
  flags.from = model;
  flags.to = InTestFolder("merged.safetensors");
  flags.adapters = {{lora, 2.0f}};
  std::ostringstream out;
  ASSERT_TRUE(Convert(flags, false, &out).ok());
  EXPECT_NE(WeightsId(flags.to), WeightsId(model));

  InspectFlags inspect;
  inspect.model.path = model;
  inspect.model.adapters = flags.adapters;
  inspect.json = true;
  std::ostringstream told;
  ASSERT_TRUE(Inspect(inspect, false, &told).ok());
  const Json json = Json::parse(told.str());
  EXPECT_EQ(json["weights_id"], WeightsId(flags.to));
  EXPECT_EQ(json["adapters"], Json({"lora.pth:2"}));
}

TEST(InspectTest, TellsTheModelAndItsTensors) {
  const std::string path = WriteTiny("i.pth", DType::kBF16);
  InspectFlags flags;
  flags.model.path = path;
  flags.model.tokenizer = "bytes";
  flags.tensors = true;
  flags.json = true;
  std::ostringstream out;
  ASSERT_TRUE(Inspect(flags, false, &out).ok());
  const Json json = Json::parse(out.str());
  EXPECT_EQ(json["version"], "RWKV-7");
  EXPECT_EQ(json["layers"], 2);
  EXPECT_EQ(json["width"], 64);
  EXPECT_EQ(json["head_size"], 16);
  EXPECT_EQ(json["weights_dtype"], "bf16");
  EXPECT_EQ(json["weights_id"], WeightsId(path));
  EXPECT_EQ(json["model_id"].get<std::string>().size(), 64u);
  EXPECT_EQ(json["tensors"].size(), MakeTinyTensors(TinyModelOptions()).size());
  EXPECT_EQ(json["tensors"][0]["name"], "blocks.0.att.a0");

  flags.json = false;
  flags.model.tokenizer = "";
  std::ostringstream words;
  ASSERT_TRUE(Inspect(flags, false, &words).ok());
  EXPECT_THAT(words.str(), HasSubstr("version          RWKV-7\n"));
  EXPECT_THAT(words.str(), HasSubstr("no_tokenizer"));
  EXPECT_THAT(words.str(), HasSubstr("blocks.1.ffn.value.weight"));
}

TEST(VerifyTest, OneBitIsEnough) {
  const std::string path = WriteTiny("v.safetensors", DType::kF32);
  InspectFlags flags;
  flags.model.path = path;
  std::ostringstream out;
  ASSERT_TRUE(Verify(flags, false, &out).ok());
  EXPECT_THAT(out.str(),
              HasSubstr("all finite; weights id " + WeightsId(path)));
  // The last number becomes a NaN.
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-4, std::ios::end);
    file.write("\xff\xff\xff\x7f", 4);
  }
  const absl::Status status = Verify(flags, false, &out);
  EXPECT_THAT(std::string(status.message()), HasSubstr("holds a NaN"));
  EXPECT_FALSE(Verify({{"/no/such/file"}}, false, &out).ok());
}

struct BadState {
  std::string name;
  std::vector<TinyTensor> tensors;
  std::string message;
};

// States for two layers of four heads of 16 channels, and what is wrong.
std::vector<BadState> BadStates() {
  const auto state = [](int layer, std::vector<int64_t> shape) {
    int64_t count = 1;
    for (const int64_t dimension : shape) count *= dimension;
    return TinyTensor{absl::StrCat("blocks.", layer, ".att.time_state"), shape,
                      std::vector<float>(count, 0.5f)};
  };
  const TinyTensor first = state(0, {4, 16, 16}), last = state(1, {4, 16, 16});
  TinyTensor nan = last, other = last;
  nan.numbers[7] = std::nanf("");
  other.name = "blocks.1.att.key.weight";
  return {
      {"MissingLayer",
       {first},
       "no blocks.1.att.time_state, and the model has 2 layers"},
      {"MissingFirst",
       {last},
       "no blocks.0.att.time_state, and the model has 2 layers"},
      {"LayerTooMany",
       {first, last, state(2, {4, 16, 16})},
       "has 3 states, and the model has 2 layers"},
      {"OtherHeads",
       {first, state(1, {8, 8, 16})},
       "blocks.1.att.time_state: want [4,16,16], file has [8,8,16]"},
      {"Vector", {first, state(1, {1024})}, "want [4,16,16], file has [1024]"},
      {"NaN",
       {first, nan},
       "blocks.1.att.time_state: holds a NaN or an infinity"},
      {"MoreThanStates",
       {first, last, other},
       "blocks.1.att.key.weight: want only time_state in a tuned state"},
      {"Lora",
       {first,
        last,
        {"head.lora_A", {2, 64}, std::vector<float>(128)},
        {"head.lora_B", {256, 2}, std::vector<float>(512)}},
       "head.lora_A: want only time_state in a tuned state"},
      {"NoStates", {other}, "has neither a lora_A nor a time_state"},
  };
}

class BadStateTest : public testing::TestWithParam<BadState> {};

TEST_P(BadStateTest, IsRefusedInOneSentenceAndLeavesNoFile) {
  TunedStateFlags flags;
  flags.model.path = WriteTiny("tuned_model.pth", DType::kBF16);
  flags.model.tokenizer = "bytes";
  flags.tuned = InTestFolder("tuned.pth");
  flags.to = InTestFolder("tuned.state");
  ASSERT_TRUE(WriteTensors(GetParam().tensors, DType::kF32, flags.tuned).ok());
  std::ostringstream out;
  const absl::Status status = WriteTunedState(flags, false, &out);
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
  EXPECT_THAT(std::string(status.message()), testing::Not(HasSubstr("\n")));
  EXPECT_FALSE(std::filesystem::exists(flags.to));
}

INSTANTIATE_TEST_SUITE_P(All, BadStateTest, testing::ValuesIn(BadStates()),
                         [](const auto& info) { return info.param.name; });

TEST(TunedStateTest, ARwkv4HasNone) {
  TinyModelOptions tiny;
  tiny.version = "4";
  TunedStateFlags flags;
  flags.model.path = InTestFolder("4.pth");
  flags.model.tokenizer = "bytes";
  ASSERT_TRUE(WriteTinyModel(tiny, flags.model.path).ok());
  flags.tuned = InTestFolder("tuned4.pth");
  flags.to = InTestFolder("4.state");
  ASSERT_TRUE(
      WriteTensors({BadStates()[0].tensors[0], BadStates()[1].tensors[0]},
                   DType::kF32, flags.tuned)
          .ok());
  std::ostringstream out;
  EXPECT_THAT(std::string(WriteTunedState(flags, false, &out).message()),
              HasSubstr("blocks.0.att.time_state: a tensor this version of "
                        "RWKV does not have"));
}

}  // namespace
}  // namespace oxbow
