// Files of RWKV-7, good and bad; versions_test.cc has the other versions.
#include "engine/model/load_model.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "engine/model/testing/load_tiny.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(LoadModelTest, TellsWhatTheModelIs) {
  TinyModelOptions options;
  options.layers = 3, options.width = 96, options.head_size = 32;
  const ModelInfo info = LoadTiny(options)->info();
  EXPECT_EQ(info.version, "RWKV-7");
  EXPECT_EQ(info.layers, 3);
  EXPECT_EQ(info.width, 96);
  EXPECT_EQ(info.head_size, 32);
  EXPECT_EQ(info.vocabulary_size, 256);
  EXPECT_EQ(info.weights_dtype, "bf16");
  EXPECT_EQ(info.state_bytes, 4u * (3 * 96 * (32 + 2) + 96));
  EXPECT_EQ(info.layout_id,
            "RWKV-7/L3/D96/S32/wkv-key-value,time,channel;"
            "hidden/f32");
  EXPECT_EQ(info.numerics_id, "cpu-exact-2");
  EXPECT_TRUE(info.has_lm_head);
  EXPECT_TRUE(info.embedding_heads.empty());
  int64_t parameters = 0;
  for (const TinyTensor& tensor : MakeTinyTensors(options)) {
    parameters += tensor.numbers.size();
  }
  EXPECT_EQ(info.parameters, parameters);
}

TEST(LoadModelTest, WeightsIdIsOfTheNumbersNotOfTheFile) {
  TinyModelOptions options;
  const Digest id = LoadTiny(options)->info().weights_id;
  EXPECT_EQ(LoadTiny(options, "m.pth")->info().weights_id, id);
  Tensors tensors = MakeTinyTensors(options);
  std::reverse(tensors.begin(), tensors.end());
  EXPECT_EQ((*Load(tensors, "r.pth"))->info().weights_id, id);
  // Tensors without a use do not count.
  options.first_layer_v = true;
  EXPECT_EQ(LoadTiny(options)->info().weights_id, id);
  options.seed = 2;
  EXPECT_NE(LoadTiny(options)->info().weights_id, id);
  Named(tensors, "blocks.1.att.r_k").numbers[3] += 1.0f;
  EXPECT_NE((*Load(tensors, "r.pth"))->info().weights_id, id);
}

TEST(LoadModelTest, FirstLayersUnusedTensorsMakeNoDifference) {
  TinyModelOptions options;
  const auto model = LoadTiny(options);
  options.first_layer_v = true;
  const auto other = LoadTiny(options);
  EXPECT_EQ(Read(*model, *model->NewState(), {1, 2, 3}),
            Read(*other, *other->NewState(), {1, 2, 3}));
}

TEST(LoadModelTest, ReadsEmbeddingModels) {
  TinyModelOptions options;
  options.lm_head = false;
  options.embedding_heads = {"retr", "sts", "cls"};
  const auto model = LoadTiny(options, "e.pth");
  EXPECT_FALSE(model->info().has_lm_head);
  EXPECT_THAT(model->info().embedding_heads, ElementsAre("retr", "sts", "cls"));
  const std::vector<float> hidden = Read(*model, *model->NewState(), {9, 8});
  std::vector<float> one(model->info().width), other = one;
  model->EmbeddingHead("retr", hidden, absl::MakeSpan(one));
  model->EmbeddingHead("cls", hidden, absl::MakeSpan(other));
  EXPECT_NE(one, other);
}

TEST(LoadModelTest, ReportsProgress) {
  const Tensors tensors = MakeTinyTensors({});
  ASSERT_TRUE(WriteTensors(tensors, DType::kBF16, PathOf("p.pth")).ok());
  LoadModelOptions options;
  int64_t last = 0, all = 0;
  options.on_progress = [&](int64_t done, int64_t total) {
    EXPECT_GT(done, last);
    last = done, all = total;
  };
  ASSERT_TRUE(LoadModel(PathOf("p.pth"), options).ok());
  EXPECT_GT(all, 0);
  EXPECT_EQ(last, all);
}

// What is done to a good model's tensors, and what is said about it.
struct Fault {
  const char* name;
  std::function<void(Tensors&)> spoil;
  absl::StatusCode code;
  const char* message;
};

// A table, however long.
// NOLINTNEXTLINE(readability-function-size)
std::vector<Fault> Faults() {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  const auto unimplemented = absl::StatusCode::kUnimplemented;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  return {
      {"MatrixOfAnotherShape",
       [](Tensors& t) {
         Named(t, "blocks.1.att.key.weight") = {
             "blocks.1.att.key.weight", {64, 32}, std::vector<float>(2048)};
       },
       invalid, "blocks.1.att.key.weight: want [64,64], file has [64,32]"},
      {"VectorOfAnotherShape",
       [](Tensors& t) {
         Named(t, "blocks.0.ln1.bias") = {
             "blocks.0.ln1.bias", {63}, std::vector<float>(63)};
       },
       invalid, "blocks.0.ln1.bias: want [64], file has [63]"},
      {"PairOfTwoRanks",
       [](Tensors& t) {
         Named(t, "blocks.1.att.w2") = {
             "blocks.1.att.w2", {9, 64}, std::vector<float>(576)};
       },
       invalid, "blocks.1.att.w2: want [8,64], file has [9,64]"},
      {"MissingMatrix",
       [](Tensors& t) { Drop(t, "blocks.1.att.output.weight"); }, invalid,
       "blocks.1.att.output.weight: want [64,64], file has none"},
      {"MissingPair", [](Tensors& t) { Drop(t, "blocks.1.att.g1"); }, invalid,
       "blocks.1.att.g1: want [64,1], file has none"},
      {"MissingLayer",
       [](Tensors& t) {
         Named(t, "blocks.1.ln1.weight").name = "blocks.2.ln1.weight";
       },
       invalid, "blocks.1.ln1.weight: want [64], file has none"},
      {"UnknownTensor",
       [](Tensors& t) {
         t.push_back({"blocks.0.att.extra", {1}, {0.0f}});
       },
       invalid, "blocks.0.att.extra: a tensor this version of RWKV does not"},
      {"Nan",
       [=](Tensors& t) {
         Named(t, "blocks.0.att.key.weight").numbers[7] = nan;
       },
       invalid, "blocks.0.att.key.weight: holds a NaN or an infinity"},
      {"Infinity",
       [=](Tensors& t) { Named(t, "emb.weight").numbers[0] = infinity; },
       invalid, "emb.weight: holds a NaN or an infinity"},
      {"NoTable", [](Tensors& t) { Drop(t, "emb.weight"); }, invalid,
       "emb.weight: missing"},
      {"NoBlocks", [](Tensors& t) { t.erase(t.begin() + 1, t.end()); }, invalid,
       "no tensor blocks.0"},
      {"TooManyLayers",
       [](Tensors& t) {
         t.push_back({"blocks.256.ln1.bias", {1}, {0.0f}});
       },
       invalid, "blocks.256.ln1.bias: not a layer in 0 .. 255"},
      {"LayerThatIsNoNumber",
       [](Tensors& t) {
         t.push_back({"blocks.x.ln1.bias", {1}, {0.0f}});
       },
       invalid, "blocks.x.ln1.bias: not a layer"},
      {"HeadsOf4",
       [](Tensors& t) {
         Named(t, "blocks.0.att.r_k").shape = {16, 4};
       },
       unimplemented, "heads of 4 channels"},
      {"HeadsOfTooMany",
       [](Tensors& t) { Named(t, "blocks.0.att.r_k").shape = {64}; }, invalid,
       "blocks.0.att.r_k: [64] are not the heads of 64 channels"},
      {"HeadsThatAreNotTheWidth",
       [](Tensors& t) {
         Named(t, "blocks.0.att.r_k") = {
             "blocks.0.att.r_k", {3, 16}, std::vector<float>(48)};
       },
       invalid, "[3,16] are not the heads of 64 channels"},
      {"Both",
       [](Tensors& t) {
         t.push_back({"rwkv.ln_out.bias", {1}, {0.0f}});
       },
       invalid, "ln_out.bias: is there twice"},
      {"Version7a",
       [](Tensors& t) {
         t.push_back({"blocks.0.ffn.s_emb.weight", {1}, {0.0f}});
       },
       unimplemented, "RWKV-7a (DeepEmbed)"},
      {"Version8",
       [](Tensors& t) {
         t.push_back({"blocks.0.ffn.enn.weight", {1}, {0.0f}});
       },
       unimplemented, "RWKV-8"},
      {"HuggingFace",
       [](Tensors& t) {
         t = {{"model.embeddings.weight", {1}, {0.0f}}};
       },
       unimplemented, "Hugging Face's (fla) names that is no RWKV-7"},
  };
}

class LoadModelFaultTest : public testing::TestWithParam<Fault> {};

TEST_P(LoadModelFaultTest, IsToldInASentence) {
  Tensors tensors = MakeTinyTensors({});
  GetParam().spoil(tensors);
  for (const std::string name : {"bad.safetensors", "bad.pth"}) {
    const auto model = Load(tensors, name);
    EXPECT_EQ(model.status().code(), GetParam().code) << model.status();
    EXPECT_THAT(std::string(model.status().message()),
                testing::AllOf(HasSubstr(GetParam().message),
                               testing::StartsWith(PathOf(name) + ": ")));
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, LoadModelFaultTest,
                         testing::ValuesIn(Faults()),
                         [](const auto& info) { return info.param.name; });

TEST(LoadModelTest, RefusesWhatIsNoFileOfWeights) {
  EXPECT_EQ(LoadModel(PathOf("none.pth"), {}).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(LoadModel(testing::TempDir(), {}).status().code(),
            absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(mkfifo(PathOf("pipe").c_str(), 0600), 0);
  EXPECT_EQ(LoadModel(PathOf("pipe"), {}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(ModelTest, StatesGoOutAndComeBack) {
  const auto model = LoadTiny({});
  const StateSlot a = *model->NewState(), b = *model->NewState();
  EXPECT_EQ(StateOf(*model, a), std::string(model->info().state_bytes, '\0'));
  const std::vector<float> hidden = Read(*model, a, {5, 6, 7});
  const std::string state = StateOf(*model, a);
  EXPECT_TRUE(model->WriteState(b, state).ok());
  std::vector<float> again(hidden.size());
  model->HiddenOf(b, absl::MakeSpan(again));
  EXPECT_EQ(again, hidden) << "the last hidden row is part of the state";
  EXPECT_EQ(Read(*model, b, {8}), Read(*model, a, {8}));

  model->ResetState(a);
  EXPECT_EQ(StateOf(*model, a), std::string(model->info().state_bytes, '\0'));
  model->CopyState(a, b);
  EXPECT_EQ(StateOf(*model, a), StateOf(*model, b));
  EXPECT_NE(StateOf(*model, a), state);
}

TEST(ModelTest, RefusesStatesThatCannotBe) {
  const auto model = LoadTiny({});
  const StateSlot slot = *model->NewState();
  Read(*model, slot, {1});
  const std::string state = StateOf(*model, slot);
  EXPECT_EQ(model->WriteState(slot, state.substr(1)).code(),
            absl::StatusCode::kInvalidArgument);
  for (float strange : {std::numeric_limits<float>::infinity(),
                        std::numeric_limits<float>::quiet_NaN()}) {
    std::string bad = state;
    std::memcpy(&bad[bad.size() - 4], &strange, 4);
    EXPECT_EQ(model->WriteState(slot, bad).code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(StateOf(*model, slot), state) << "a refused state changes nothing";
}

TEST(ModelTest, HasSoManySlotsAndNoMore) {
  const auto model = LoadTiny({});
  const StateSlot a = *model->NewState();
  ASSERT_TRUE(model->NewState().ok());
  ASSERT_TRUE(model->NewState().ok());
  EXPECT_EQ(model->NewState().status().code(),
            absl::StatusCode::kResourceExhausted);
  Read(*model, a, {1, 2});
  model->FreeState(a);
  const StateSlot again = *model->NewState();
  EXPECT_EQ(StateOf(*model, again),
            std::string(model->info().state_bytes, '\0'))
      << "a slot comes back empty";
}

TEST(ModelTest, LogitsOfManyRowsAreThoseOfEach) {
  const auto model = LoadTiny({});
  const StateSlot slot = *model->NewState();
  std::vector<float> rows, one_by_one;
  for (int token = 0; token < 70; ++token) {
    const std::vector<float> hidden = Read(*model, slot, {token});
    rows.insert(rows.end(), hidden.begin(), hidden.end());
    std::vector<float> logits(256);
    model->Logits(hidden, absl::MakeSpan(logits));
    one_by_one.insert(one_by_one.end(), logits.begin(), logits.end());
  }
  std::vector<float> together(70 * 256);
  model->Logits(rows, absl::MakeSpan(together));
  EXPECT_EQ(together, one_by_one);
}

TEST(ModelDeathTest, BatchesThatBreakTheRulesAreBugs) {
  const auto model = LoadTiny({});
  const StateSlot a = *model->NewState(), b = *model->NewState();
  std::vector<float> hidden;
  const auto step = [&](Batch batch) {
    model->Step(batch, absl::MakeSpan(hidden));
  };
  EXPECT_DEATH(step({{256}, {1}, {a}, {}}), "CHECK");
  EXPECT_DEATH(step({{-1}, {1}, {a}, {}}), "CHECK");
  EXPECT_DEATH(step({{1, 2}, {1}, {a}, {}}), "CHECK");
  EXPECT_DEATH(step({{1, 2}, {1, 1}, {a, b}, {}}), "CHECK");
  EXPECT_DEATH(step({{1, 2}, {1, 2}, {a, a}, {}}), "CHECK");
  EXPECT_DEATH(step({{1, 2}, {1, 2}, {a}, {}}), "CHECK");
  EXPECT_DEATH(step({{1}, {1}, {7}, {}}), "state slot 7");
  EXPECT_DEATH(step({{1}, {1}, {a}, {1}}), "CHECK");
  EXPECT_DEATH(step({{1}, {1}, {a}, {0}}), "CHECK");
}

}  // namespace
}  // namespace oxbow
