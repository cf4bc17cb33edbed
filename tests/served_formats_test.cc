// Files of other programs, served by the real oxbowd: what is read from one of
// them is read back after a crash, and is what a .safetensors file gives.
#include <functional>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/gguf_writer.h"
#include "tests/testing/nasty_text.h"
#include "tests/testing/random_text.h"
#include "tests/testing/rwkv_cpp_writer.h"
#include "tests/testing/served_model.h"
#include "tests/testing/tiny_model.h"
#include "tools/model/convert.h"

namespace oxbow {
namespace {

using testing::StartsWith;

std::string Path(const std::string& name) {
  return absl::StrCat(testing::TempDir(), "/", name);
}

// Ids of text in a World vocabulary: 1 .. 256 are the bytes.
std::vector<std::string> Pieces() {
  std::vector<std::string> pieces = {""};
  for (int byte = 0; byte < 256; ++byte) {
    pieces.emplace_back(1, static_cast<char>(byte));
  }
  for (const char* piece : {"the", " the", "\n\n", "ing", "aa", "aaaa", "'s",
                            "\xe4\xbd\xa0", "\xe4\xbd", "\xbd\xa0\xe5"}) {
    pieces.emplace_back(piece);
  }
  return pieces;
}

std::vector<TinyTensor> Tensors(const std::string& version) {
  TinyModelOptions options;
  options.version = version;
  options.vocabulary_size = static_cast<int>(Pieces().size());
  return MakeTinyTensors(options);
}

std::string GgufOf(const std::string& version, DType dtype) {
  GgufModelOptions options;
  options.dtype = dtype;
  options.all_in_dtype = dtype == DType::kF32;
  options.pieces = Pieces();
  std::string path = Path("m.gguf");
  OXBOW_CHECK_OK(WriteGguf(Tensors(version), options, path));
  return path;
}

std::string RwkvCppOf(const std::string& version, DType dtype) {
  std::string path = Path("m.bin");
  OXBOW_CHECK_OK(WriteRwkvCpp(Tensors(version), {101, dtype}, path));
  return path;
}

std::string SafetensorsOf(const std::string& version) {
  std::string path = Path("same.safetensors");
  OXBOW_CHECK_OK(WriteTensors(Tensors(version), DType::kF32, path));
  return path;
}

struct Served {
  std::string name;
  std::function<std::string()> write;  // its path
  std::vector<std::string> flags;
  std::string tokenizer;  // its name begins so
  std::string version;
};

std::vector<Served> AllServed() {
  const std::vector<std::string> bytes = {"--tokenizer=bytes"};
  return {
      {"Gguf7", [] { return GgufOf("7", DType::kF32); }, {}, "gguf:", "RWKV-7"},
      {"Gguf7Q8",
       [] { return GgufOf("7", DType::kQ8_0); },
       {},
       "gguf:",
       "RWKV-7"},
      {"Gguf6Q5",
       [] { return GgufOf("6", DType::kQ5_1); },
       {},
       "gguf:",
       "RWKV-6"},
      {"RwkvCpp7", [] { return RwkvCppOf("7", DType::kF32); }, bytes, "bytes",
       "RWKV-7"},
      {"RwkvCpp6Q4", [] { return RwkvCppOf("6", DType::kQ4_0); }, bytes,
       "bytes", "RWKV-6"},
      {"RwkvCpp4Half", [] { return RwkvCppOf("4", DType::kF16); }, bytes,
       "bytes", "RWKV-4"},
  };
}

// Starts a server of that file.
std::unique_ptr<ServedModel> Serve(const std::string& path,
                                   std::vector<std::string> flags) {
  flags.emplace_back("--model=" + path);
  flags.emplace_back("--checkpoint-tokens=64");
  flags.emplace_back("--threads=1");
  return std::make_unique<ServedModel>(std::move(flags));
}

std::string Text() {
  std::mt19937_64 random(5);
  std::string text;
  while (text.size() < 700) text += NastyText(random() % 300, &random);
  return text;
}

class ServedFormatsTest : public testing::TestWithParam<Served> {};

TEST_P(ServedFormatsTest, ReadsGeneratesAndGoesOnAfterACrash) {
  const auto served = Serve(GetParam().write(), GetParam().flags);
  const v1::GetModelResponse model = served->GetModel();
  EXPECT_EQ(model.generator().version(), GetParam().version);
  EXPECT_THAT(model.tokenizer().name(), StartsWith(GetParam().tokenizer));
  const std::string text = Text();
  EXPECT_EQ(served->Detokenize(served->Tokenize(text)).text(), text);

  served->Create("whole");
  served->Append("whole", text);
  const std::string digest = served->Get("whole").state_digest();
  ASSERT_EQ(digest.size(), 32u);
  v1::GenerateRequest request;
  request.set_stream_id("whole");
  request.set_max_tokens(20);
  const ServedGeneration generated = served->Generate(request);
  EXPECT_EQ(generated.tokens.size(), 20u);

  served->Create("cut");
  std::mt19937_64 random(6);
  const size_t half = text.size() / 2;
  served->Append("cut", text.substr(0, half), RandomCuts(half, &random));
  served->CrashAndRestart();
  const std::string rest = text.substr(half);
  served->Append("cut", rest, RandomCuts(rest.size(), &random));
  served->Restart();
  EXPECT_EQ(served->Get("cut").state_digest(), digest);
  EXPECT_EQ(served->Get("whole").state_digest(), digest);
  EXPECT_EQ(served->Text("cut"), text);
  request.set_stream_id("cut");
  EXPECT_EQ(served->Generate(request).told(), generated.told());
}

INSTANTIATE_TEST_SUITE_P(Files, ServedFormatsTest,
                         testing::ValuesIn(AllServed()),
                         [](const auto& info) { return info.param.name; });

// A stream goes on in whichever file the same numbers and pieces are.
TEST(ServedSameTest, TheSameNumbersMakeTheSameStates) {
  const std::string safetensors = SafetensorsOf("7");
  const std::string gguf = GgufOf("7", DType::kF32);
  const auto in_gguf = Serve(gguf, {});
  const auto in_bin =
      Serve(RwkvCppOf("7", DType::kF32), {"--tokenizer=gguf:" + gguf});
  const auto in_safetensors = Serve(safetensors, {"--tokenizer=gguf:" + gguf});
  std::string digest, model_id;
  for (ServedModel* served :
       {in_gguf.get(), in_bin.get(), in_safetensors.get()}) {
    served->Create("s");
    served->Append("s", Text());
    const std::string here = served->Get("s").state_digest();
    const std::string model = served->GetModel().generator().model_id();
    if (digest.empty()) digest = here;
    if (model_id.empty()) model_id = model;
    EXPECT_EQ(here, digest);
    EXPECT_EQ(model, model_id);
  }
  EXPECT_EQ(digest.size(), 32u);
}

// What oxbow-model writes of a model is what oxbowd makes of it by its flags.
TEST(ServedSameTest, AConvertedFileGoesOnWhereFlagsLeftOff) {
  const std::string plain = SafetensorsOf("7");
  const std::string lora = Path("lora.pth");
  const TinyTensor a = {"head.lora_A", {2, 64}, std::vector<float>(128, 0.1f)};
  const TinyTensor b = {"head.lora_B",
                        {static_cast<int64_t>(Pieces().size()), 2},
                        std::vector<float>(2 * Pieces().size(), 0.2f)};
  OXBOW_CHECK_OK(WriteTensors({a, b}, DType::kBF16, lora));
  ConvertFlags flags;
  flags.from = plain;
  flags.to = Path("converted.safetensors");
  flags.adapters = {{lora, 2.0f}};
  flags.weights = WeightPrecision::kInt4;
  std::ostringstream out;
  OXBOW_CHECK_OK(Convert(flags, /*is_terminal=*/false, &out));

  const auto by_flags = Serve(
      plain, {"--tokenizer=bytes", "--weights=int4", "--lora=" + lora + ":2"});
  const auto converted = Serve(flags.to, {"--tokenizer=bytes"});
  const v1::Model want = by_flags->GetModel().generator();
  const v1::Model got = converted->GetModel().generator();
  EXPECT_EQ(got.model_id(), want.model_id());
  EXPECT_THAT(want.adapters(), testing::ElementsAre("lora.pth:2"));
  EXPECT_THAT(got.adapters(), testing::IsEmpty());
  for (ServedModel* served : {by_flags.get(), converted.get()}) {
    served->Create("s");
    served->Append("s", Text());
  }
  EXPECT_EQ(converted->Get("s").state_digest(),
            by_flags->Get("s").state_digest());
}

}  // namespace
}  // namespace oxbow
