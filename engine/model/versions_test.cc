// What differs from version to version: how files are told apart, what is
// normalized on the way in, and where a state begins.
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "engine/model/testing/load_tiny.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::HasSubstr;

TinyModelOptions OfVersion(const std::string& version) {
  TinyModelOptions options;
  options.version = version;
  return options;
}

std::vector<float> NumbersOf(const std::string& state) {
  std::vector<float> numbers(state.size() / sizeof(float));
  std::memcpy(numbers.data(), state.data(), state.size());
  return numbers;
}

// What the model makes of a few tokens: the digest of its state.
std::string Reads(Model& model) {
  const StateSlot slot = *model.NewState();
  Read(model, slot, {7, 1, 255, 3, 3, 9});
  const std::string state = StateOf(model, slot);
  model.FreeState(slot);
  return ToHex(Sha256(state));
}

TEST(VersionsTest, AreToldApart) {
  const struct {
    const char* version;
    const char* layout;
    int head_size;
    int wkv_rows;
  } versions[] = {
      {"4", "RWKV-4/L2/D64/aa,bb,pp,time,channel;hidden/f32", 1, 3},
      {"5.0", "RWKV-5.0/L2/D64/S16/wkv-key-value,time,channel;hidden/f32", 16,
       16},
      {"5.1", "RWKV-5.1/L2/D64/S16/wkv-key-value,time,channel;hidden/f32", 16,
       16},
      {"5.2", "RWKV-5.2/L2/D64/S16/wkv-key-value,time,channel;hidden/f32", 16,
       16},
      {"6", "RWKV-6/L2/D64/S16/wkv-key-value,time,channel;hidden/f32", 16, 16},
      {"7", "RWKV-7/L2/D64/S16/wkv-key-value,time,channel;hidden/f32", 16, 16}};
  for (const auto& version : versions) {
    const TinyModelOptions options = OfVersion(version.version);
    const ModelInfo info = LoadTiny(options)->info();
    EXPECT_EQ(info.version, std::string("RWKV-") + version.version);
    EXPECT_EQ(info.layout_id, version.layout);
    EXPECT_EQ(info.head_size, version.head_size);
    EXPECT_EQ(info.state_bytes, 4u * 64 * (2 * (version.wkv_rows + 2) + 1));
    int64_t parameters = 0;
    for (const TinyTensor& tensor : MakeTinyTensors(options)) {
      parameters += tensor.numbers.size();
    }
    EXPECT_EQ(info.parameters, parameters);
  }
}

TEST(VersionsTest, ANumberPerHeadIsThatOfItsChannels) {
  for (bool time_first : {false, true}) {
    TinyModelOptions options = OfVersion("5.1");
    options.time_first = time_first;
    Tensors tensors = MakeTinyTensors(options);
    const std::string per_head = Reads(**Load(tensors, "h.pth"));
    for (TinyTensor& tensor : tensors) {
      if (tensor.shape != std::vector<int64_t>{4}) continue;
      tensor.shape = {4, 1, 1};
    }
    EXPECT_EQ(Reads(**Load(tensors, "h.pth")), per_head);
    for (TinyTensor& tensor : tensors) {
      if (tensor.shape != std::vector<int64_t>{4, 1, 1}) continue;
      std::vector<float> all;
      for (float number : tensor.numbers) all.insert(all.end(), 16, number);
      tensor = {tensor.name, {4, 16}, all};
    }
    const auto model = *Load(tensors, "h.pth");
    EXPECT_EQ(model->info().version, "RWKV-5.2");
    EXPECT_EQ(Reads(*model), per_head);
  }
}

TEST(VersionsTest, TheOlderNameOfTheBonusHoldsItsLogarithm) {
  TinyModelOptions options = OfVersion("5.2");
  options.time_first = true;
  options.dtype = DType::kF32;
  Tensors tensors = MakeTinyTensors(options);
  const std::string want = Reads(*LoadTiny(options, "a.pth"));
  for (const char* block : {"blocks.0.", "blocks.1."}) {
    TinyTensor& first = Named(tensors, std::string(block) + "att.time_first");
    first.name = std::string(block) + "att.time_faaaa";
    for (float& number : first.numbers) {
      number = static_cast<float>(std::exp(static_cast<double>(number)));
    }
  }
  EXPECT_EQ(Reads(**Load(tensors, "b.pth", DType::kF32)), want);
}

TEST(VersionsTest, Rwkv4BeginsWithAPastThatWeighsNothing) {
  const auto model = LoadTiny(OfVersion("4"));
  const StateSlot slot = *model->NewState();
  const std::string state = StateOf(*model, slot);
  const std::vector<float> numbers = NumbersOf(state);
  for (int layer : {0, 1}) {
    for (int i = 0; i < 5 * 64; ++i) {
      EXPECT_EQ(numbers[layer * 5 * 64 + i], i / 64 == 2 ? -1e30f : 0.0f);
    }
  }
  Read(*model, slot, {1, 2});
  EXPECT_TRUE(model->WriteState(slot, state).ok());
  model->ResetState(slot);
  EXPECT_EQ(StateOf(*model, slot), state);
}

TEST(VersionsTest, AFileMayHaveAnInitialState) {
  for (const char* version : {"5.0", "5.1", "5.2", "6", "7"}) {
    TinyModelOptions options = OfVersion(version);
    const auto plain = LoadTiny(options);
    options.time_state = true;
    Tensors tensors = MakeTinyTensors(options);
    const auto tuned = LoadTiny(options);
    EXPECT_NE(tuned->info().weights_id, plain->info().weights_id) << version;
    EXPECT_EQ(tuned->info().layout_id, plain->info().layout_id);
    const StateSlot slot = *tuned->NewState();
    const std::string state = StateOf(*tuned, slot);
    const std::vector<float> numbers = NumbersOf(state);
    const size_t layer_count = 64 * (16 + 2);
    for (size_t layer : {0, 1}) {
      // Rounded to bf16 in the file.
      const std::vector<float>& given =
          Named(tensors, layer == 0 ? "blocks.0.att.time_state"
                                    : "blocks.1.att.time_state")
              .numbers;
      for (int h = 0; h < 4; ++h) {
        for (int value = 0; value < 16; ++value) {
          for (int key = 0; key < 16; ++key) {
            EXPECT_NEAR(
                numbers[layer * layer_count + (h * 16 + key) * 16 + value],
                given[(h * 16 + value) * 16 + key], 2e-3);
          }
        }
      }
      for (size_t i = 64 * 16; i < layer_count; ++i) {
        EXPECT_EQ(numbers[layer * layer_count + i], 0.0f);
      }
    }
    Read(*tuned, slot, {1});
    tuned->ResetState(slot);
    EXPECT_EQ(StateOf(*tuned, slot), state);
    EXPECT_NE(Reads(*tuned), Reads(*plain));

    Drop(tensors, "blocks.1.att.time_state");
    EXPECT_EQ(Load(tensors, "t.pth").status().message(),
              PathOf("t.pth") +
                  ": blocks.1.att.time_state: want [4,16,16], "
                  "file has none");
  }
}

// What is done to a good model's tensors, and what is said about it.
struct Fault {
  const char* name;
  const char* version;
  std::function<void(Tensors&)> spoil;
  const char* message;
};

std::function<void(Tensors&)> Put(const std::string& name,
                                  std::vector<int64_t> shape,
                                  float number = 0.0f) {
  return [=](Tensors& tensors) {
    size_t count = 1;
    for (int64_t dimension : shape) count *= dimension;
    Named(tensors, name) = {name, shape, std::vector<float>(count, number)};
  };
}

std::function<void(Tensors&)> Without(const std::string& name) {
  return [=](Tensors& tensors) { Drop(tensors, name); };
}

std::vector<Fault> Faults() {
  const std::string att = "blocks.0.att.", att1 = "blocks.1.att.";
  return {
      {"Rwkv4DecayOfAnotherSize", "4", Put(att + "time_decay", {63}),
       "blocks.0.att.time_decay: want [64], file has [63]"},
      {"Rwkv4DecayBeyondFp32", "4", Put(att + "time_decay", {64}, 90.0f),
       "blocks.0.att.time_decay: its numbers become infinite"},
      {"Rwkv4WithoutReceptance", "4", Without("blocks.1.ffn.receptance.weight"),
       "blocks.1.ffn.receptance.weight: want [64,64], file has none"},
      {"Rwkv4WithoutKey", "4", Without("blocks.0.ffn.key.weight"),
       "blocks.0.ffn.key.weight: missing"},
      {"HeadsThatDoNotFit", "5.0", Put(att + "time_decay", {7}),
       "blocks.0.att.time_decay: [7] are not the heads of 64 channels"},
      {"HeadsOfOneChannel", "5.1", Put(att + "time_decay", {64}),
       "RWKV-5.1 with heads of 1 channels; Oxbow has kernels for 8, 16"},
      {"HeadsOfAll", "5.1", Put(att + "time_decay", {1}),
       "blocks.0.att.time_faaaa: want [1,64], file has [4]"},
      {"DecaysOfTooManyChannels", "5.2", Put(att + "time_decay", {4, 32}),
       "blocks.0.att.time_decay: [4,32] are not the heads of 64 channels"},
      {"NoBonus", "5.2", Without(att + "time_faaaa"),
       "blocks.0.att.time_first: want [4,16], file has none"},
      {"BonusBeyondFp32", "5.0",
       [=](Tensors& t) {
         for (const std::string& stem : {att, att1}) {
           Named(t, stem + "time_faaaa") = {
               stem + "time_first", {4}, std::vector<float>(4, 89.0f)};
         }
       },
       "blocks.0.att.time_first: its numbers become infinite"},
      {"ALayerWithoutItsGate", "5.1", Without(att1 + "gate.weight"),
       "blocks.1.att.gate.weight: want [64,64], file has none"},
      {"AGateInOneLayerAlone", "5.1",
       [=](Tensors& t) {
         Drop(t, att + "gate.weight");
         Drop(t, att + "time_mix_g");
       },
       "blocks.1.att.gate.weight: a tensor this version of RWKV does not"},
      {"HeadsOfNothing", "6", Without(att + "time_faaaa"),
       "blocks.0.att.time_faaaa: missing"},
      {"FlatHeads", "6", Put(att + "time_faaaa", {64}),
       "blocks.0.att.time_faaaa: [64] are not the heads of 64 channels"},
      {"MixesOfTwoRanks", "6", Put(att1 + "time_maa_w1", {64, 41}),
       "blocks.1.att.time_maa_w1: want [64,40], file has [64,41]"},
      {"FourMixes", "6", Put(att1 + "time_maa_w2", {4, 8, 64}),
       "blocks.1.att.time_maa_w2: want [5,8,64], file has [4,8,64]"},
      {"DecaysOfTwoRanks", "6", Put(att1 + "time_decay_w2", {9, 64}),
       "blocks.1.att.time_decay_w2: want [8,64], file has [9,64]"},
      {"StateOfOtherHeads", "6",
       [=](Tensors& t) {
         t.push_back(
             {att + "time_state", {4, 16, 8}, std::vector<float>(4 * 16 * 8)});
       },
       "blocks.0.att.time_state: want [4,16,16], file has [4,16,8]"},
  };
}

class VersionsFaultTest : public testing::TestWithParam<Fault> {};

TEST_P(VersionsFaultTest, IsToldInASentence) {
  Tensors tensors = MakeTinyTensors(OfVersion(GetParam().version));
  GetParam().spoil(tensors);
  const auto model = Load(tensors, "bad.pth");
  EXPECT_FALSE(model.ok());
  EXPECT_THAT(std::string(model.status().message()),
              testing::AllOf(HasSubstr(GetParam().message),
                             testing::StartsWith(PathOf("bad.pth") + ": ")));
}

INSTANTIATE_TEST_SUITE_P(Faults, VersionsFaultTest, testing::ValuesIn(Faults()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace oxbow
