#include "engine/weights/hf_config.h"

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/weights/testing/bad_file.h"
#include "engine/weights/testing/mutate.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

constexpr char kFla[] =
    R"({"architectures":["RWKV7ForCausalLM"],"model_type":"rwkv7",)"
    R"("attn":null,"hidden_act":"sqrelu","hidden_size":768,"head_dim":64,)"
    R"("intermediate_size":3072,"norm_eps":1e-05,"num_hidden_layers":12,)"
    R"("num_heads":null,"tie_word_embeddings":false,"vocab_size":65536,)"
    R"("value_dim":[768,768],"bos_token_id":0})";
constexpr char kHf[] =
    R"({"model_type":"rwkv5","hidden_size":2048,"head_size":32,)"
    R"("intermediate_size":null,"layer_norm_epsilon":1e-05,)"
    R"("num_hidden_layers":24,"rescale_every":6,"vocab_size":65536})";

TEST(HfConfigTest, ReadsWhatFlaSays) {
  const auto facts = ParseHfConfig(kFla);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->from, "config.json");
  EXPECT_EQ(facts->width, 768);
  EXPECT_EQ(facts->layers, 12);
  EXPECT_EQ(facts->ffn_width, 3072);
  EXPECT_EQ(facts->head_size, 64);
  EXPECT_EQ(facts->vocabulary_size, 65536);
  EXPECT_EQ(facts->norm_eps, 1e-5);
}

TEST(HfConfigTest, ReadsWhatTransformersSays) {
  const auto facts = ParseHfConfig(kHf);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->head_size, 32);
  EXPECT_FALSE(facts->ffn_width.has_value()) << "null says nothing";
  EXPECT_EQ(facts->norm_eps, 1e-5);
  EXPECT_FALSE(facts->rescale_every.has_value())
      << "Hugging Face's code divides at run time, not in the file";
}

TEST(HfConfigTest, NothingIsSaidByNothing) {
  const auto facts = ParseHfConfig("{}");
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_FALSE(facts->width.has_value());
}

std::vector<BadFile> BadConfigs() {
  const auto unimplemented = absl::StatusCode::kUnimplemented;
  const auto with = [](const char* field) {
    return absl::StrCat("{", field, "}");
  };
  const char* size = "is not a size";
  return {
      {"Nothing", "", "config.json: not JSON"},
      {"NotJson", "model_type: rwkv7", "not JSON at byte"},
      {"Cut", std::string(kFla, 100), "not JSON"},
      {"List", "[]", "not a JSON object"},
      {"Number", "7", "not a JSON object"},
      {"Null", "null", "not a JSON object"},
      {"Deep", std::string(100000, '['), "nested too deep"},
      {"DeepObject", R"({"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}})",
       "nested too deep"},
      {"FieldTwice", with(R"("hidden_size":768,"hidden_size":64)"),
       "key 'hidden_size' is there twice"},
      {"WidthIsText", with(R"("hidden_size":"768")"), size},
      {"WidthIsNegative", with(R"("hidden_size":-768)"), size},
      {"WidthIsFraction", with(R"("hidden_size":768.0)"), size},
      {"WidthIsHuge", with(R"("hidden_size":99999999999999999999)"), size},
      {"WidthIs2To63", with(R"("hidden_size":9223372036854775808)"), size},
      {"WidthIsTooLarge", with(R"("hidden_size":16777217)"), size},
      {"WidthIsList", with(R"("hidden_size":[768])"), size},
      {"WidthIsTrue", with(R"("hidden_size":true)"), size},
      {"LayersAreText", with(R"("num_hidden_layers":"12")"), size},
      {"LayersAreNegative", with(R"("num_hidden_layers":-1)"), size},
      {"LayersAreObject", with(R"("num_hidden_layers":{})"), size},
      {"VocabularyIsFraction", with(R"("vocab_size":1e3)"), size},
      {"FfnIsText", with(R"("intermediate_size":"")"), size},
      {"HeadIsNegative", with(R"("head_dim":-64)"), size},
      {"HeadSizeIsText", with(R"("head_size":"64")"), size},
      {"EpsIsText", with(R"("norm_eps":"1e-5")"), "is not a number"},
      {"EpsIsTrue", with(R"("norm_eps":true)"), "is not a number"},
      {"EpsIsList", with(R"("layer_norm_epsilon":[1e-5])"), "not a number"},
      {"EpsIsNan", with(R"("norm_eps":NaN)"), "not JSON"},
      {"EpsIsTooLargeForAnyNumber", with(R"("norm_eps":1e999)"), "not JSON"},
      {"TypeIsNumber", with(R"("model_type":7)"), "model_type is not text"},
      {"TypeIsList", with(R"("model_type":["rwkv7"])"), "is not text"},
      {"TypeIsLlama", with(R"("model_type":"llama")"), "model_type 'llama'",
       unimplemented},
      {"TypeIsHybrid", with(R"("model_type":"rwkv_hybrid")"), "rwkv_hybrid",
       unimplemented},
      {"TypeIsLong",
       with(("\"model_type\":\"" + std::string(10000, 'x') + "\"").c_str()),
       "model_type 'xxx", unimplemented},
      {"ActivationIsNumber", with(R"("hidden_act":1)"), "is not text"},
      {"ActivationIsOther", with(R"("hidden_act":"gelu")"), "'gelu'",
       unimplemented},
      {"HeadIsTied", with(R"("tie_word_embeddings":true)"), "tie_word",
       unimplemented},
      {"TiedIsNumber", with(R"("tie_word_embeddings":1)"), "true or false"},
      {"HasAttention", with(R"("attn":{"layers":[3]})"), "attn", unimplemented},
      {"IsQuantized", with(R"("quantization_config":{"bits":4})"),
       "quantization_config", unimplemented},
  };
}

class BadConfigTest : public testing::TestWithParam<BadFile> {};

TEST_P(BadConfigTest, IsRefusedInASentence) {
  ExpectRefused(GetParam(), [](const std::string& text) {
    return ParseHfConfig(text).status();
  });
}

INSTANTIATE_TEST_SUITE_P(Configs, BadConfigTest,
                         testing::ValuesIn(BadConfigs()),
                         [](const auto& info) { return info.param.name; });

TEST(HfConfigTest, RandomDamageNeverCrashes) {
  std::mt19937 random(1);
  for (int round = 0; round < 5000; ++round) {
    (void)ParseHfConfig(Mutate(kFla, sizeof(kFla), random));
  }
}

}  // namespace
}  // namespace oxbow
