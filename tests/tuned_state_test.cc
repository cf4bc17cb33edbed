// A stream that begins with a tuned state is a stream of the model whose file
// has that state, in every version that can be tuned.
#include "tools/model/tuned_state.h"

#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/state_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/sync_engine.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {
namespace {

constexpr int kVocabulary = 512;

class TunedStateTest : public testing::TestWithParam<std::string> {
 protected:
  TunedStateTest() {
    // Its vocabulary is what is wanted.
    const std::string model = WriteTestModel(/*embedder=*/false);
    tokenizer_ = absl::StrCat(
        "world:", absl::StrReplaceAll(model, {{".safetensors", ".vocab"}}));
    TinyModelOptions options;
    options.version = GetParam();
    options.vocabulary_size = kVocabulary;
    options.width = 32;
    options.time_state = true;
    const std::vector<TinyTensor> whole = MakeTinyTensors(options);
    std::vector<TinyTensor> plain, tuned;
    for (const TinyTensor& tensor : whole) {
      const bool is_state = absl::EndsWith(tensor.name, ".time_state");
      (is_state ? tuned : plain).push_back(tensor);
    }
    Write(whole, "whole.pth");
    Write(plain, "plain.pth");
    Write(tuned, "tuned.pth");
    Start("whole.pth", &whole_store_, &whole_);
    Start("plain.pth", &plain_store_, &plain_);
  }

  static std::string PathOf(const std::string& name) {
    return absl::StrCat(testing::TempDir(), "/", GetParam(), name);
  }
  static void Write(const std::vector<TinyTensor>& tensors,
                    const std::string& name) {
    EXPECT_TRUE(WriteTensors(tensors, DType::kBF16, PathOf(name)).ok());
  }

  void Start(const std::string& model, MemoryStore* store,
             std::unique_ptr<SyncEngine>* engine, bool embedder = false) {
    engine->reset();
    SyncEngine::Options options;
    options.engine.checkpoint_tokens = 16;
    options.model_path = PathOf(model);
    options.tokenizer = tokenizer_;
    if (embedder) options.embedder_path = WriteTestModel(/*embedder=*/true);
    auto started = SyncEngine::Start(options, store);
    ASSERT_TRUE(started.ok()) << started.status();
    *engine = *std::move(started);
  }

  // What oxbow-model state writes.
  std::string TunedState() {
    TunedStateFlags flags;
    flags.model.path = PathOf("plain.pth");
    flags.model.tokenizer = tokenizer_;
    flags.tuned = PathOf("tuned.pth");
    flags.to = PathOf("tuned.oxs");
    std::ostringstream out;
    const absl::Status status = WriteTunedState(flags, false, &out);
    EXPECT_TRUE(status.ok()) << status;
    std::ifstream file(flags.to, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // The numbers of a stream's state; its digest also holds the model's id.
  static std::string StateOf(SyncEngine& engine, const std::string& stream,
                             At at = AtHead()) {
    const auto file = engine.Export(stream, at);
    EXPECT_TRUE(file.ok()) << file.status();
    return DecodeStateFile(*file)->state;
  }

  static std::vector<float> Logprobs(SyncEngine& engine,
                                     const std::string& stream, At at) {
    GenerateRequest request;
    request.name.stream = stream;
    request.at = at;
    request.tokens_max = 8;
    request.sampling.temperature = 0;
    request.ignore_end_of_document = true;
    request.top_logprobs = 5;
    const auto told = engine.Generate(request);
    EXPECT_TRUE(told.ok()) << told.status();
    std::vector<float> logprobs;
    for (const GeneratedToken& token : told->tokens) {
      logprobs.push_back(static_cast<float>(token.id));
      for (const TokenLogprob& top : token.top) logprobs.push_back(top.logprob);
    }
    return logprobs;
  }

  std::mt19937_64 random_{7};
  const std::string text_ = RandomText(300, &random_);
  std::string tokenizer_;
  MemoryStore whole_store_, plain_store_;
  std::unique_ptr<SyncEngine> whole_, plain_;
};

TEST_P(TunedStateTest, GoesOnAsTheModelThatBeginsSo) {
  const std::string file = TunedState();
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  plan.tokens = 20;
  ASSERT_TRUE(whole_->Create("s", plan).ok());
  const auto info = plain_->Import(file, "s", plan);
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->durable.byte_offset, 0u);
  EXPECT_EQ(info->token_offset, 0u);

  // Before anything is appended.
  EXPECT_EQ(StateOf(*plain_, "s"), StateOf(*whole_, "s"));
  EXPECT_EQ(Logprobs(*plain_, "s", AtHead()), Logprobs(*whole_, "s", AtHead()));
  EXPECT_EQ(*plain_->Export("s", AtHead()), file);
  EXPECT_EQ(*plain_->Text("s"), "");

  ASSERT_TRUE(whole_->AppendText("s", text_).ok());
  ASSERT_TRUE(plain_->AppendCut("s", text_, {1, 70, 3}).ok());
  EXPECT_EQ(*plain_->Text("s"), text_);
  for (const At& at :
       {AtHead(), AtByte(0), AtByte(1), AtByte(100), AtToken(0), AtToken(7)}) {
    EXPECT_EQ(StateOf(*plain_, "s", at), StateOf(*whole_, "s", at));
    EXPECT_EQ(Logprobs(*plain_, "s", at), Logprobs(*whole_, "s", at));
  }
  EXPECT_EQ(*plain_->Export("s", AtByte(0)), file);
  for (const uint64_t byte : {1, 150, 300}) {
    EXPECT_EQ(*plain_->LastVector("s", AtByte(byte)),
              *whole_->LastVector("s", AtByte(byte)));
  }
  const auto want = whole_->Timeline("s", /*partial=*/true);
  const auto got = plain_->Timeline("s", /*partial=*/true);
  ASSERT_TRUE(want.ok() && got.ok());
  ASSERT_EQ(got->entries.size(), want->entries.size());
  for (size_t i = 0; i < got->entries.size(); ++i) {
    EXPECT_EQ(got->entries[i].record.token_begin,
              want->entries[i].record.token_begin);
    EXPECT_EQ(got->entries[i].record.vector, want->entries[i].record.vector);
  }

  // A stream of its own does not begin so.
  ASSERT_TRUE(plain_->Create("untuned").ok());
  ASSERT_TRUE(plain_->AppendText("untuned", text_).ok());
  EXPECT_NE(StateOf(*plain_, "untuned"), StateOf(*plain_, "s"));
}

TEST_P(TunedStateTest, ForksAndRestartsKeepIt) {
  const std::string file = TunedState();
  ASSERT_TRUE(whole_->Create("s").ok());
  ASSERT_TRUE(whole_->AppendText("s", text_).ok());
  ASSERT_TRUE(plain_->Import(file, "empty").ok());
  ASSERT_TRUE(plain_->Fork("empty", AtHead(), "first").ok());
  ASSERT_TRUE(plain_->AppendText("first", text_).ok());
  ASSERT_TRUE(plain_->Fork("first", AtByte(0), "second").ok());
  ASSERT_TRUE(plain_->Fork("first", AtByte(33), "third").ok());
  ASSERT_TRUE(plain_->Delete("empty").ok());
  ASSERT_TRUE(plain_->Delete("first").ok());
  ASSERT_TRUE(plain_store_.Sweep(absl::Now()).ok());
  Start("plain.pth", &plain_store_, &plain_);
  ASSERT_TRUE(plain_->AppendText("second", text_).ok());
  ASSERT_TRUE(plain_->AppendText("third", text_.substr(33)).ok());
  EXPECT_EQ(StateOf(*plain_, "second"), StateOf(*whole_, "s"));
  EXPECT_EQ(StateOf(*plain_, "third"), StateOf(*whole_, "s"));
}

// It has no part in the state, and reads from the first byte on.
TEST_P(TunedStateTest, AnEmbedderReadsAsItAlwaysDoes) {
  Start("whole.pth", &whole_store_, &whole_, /*embedder=*/true);
  Start("plain.pth", &plain_store_, &plain_, /*embedder=*/true);
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  plan.tokens = 20;
  plan.prefix = "abc abc";
  ASSERT_TRUE(whole_->Create("s", plan).ok());
  const auto info = plain_->Import(TunedState(), "s", plan);
  ASSERT_TRUE(info.ok()) << info.status();
  for (SyncEngine* engine : {whole_.get(), plain_.get()}) {
    ASSERT_TRUE(engine->AppendText("s", text_).ok());
  }
  for (const uint64_t byte : {1, 150, 300}) {
    EXPECT_EQ(*plain_->LastVector("s", AtByte(byte)),
              *whole_->LastVector("s", AtByte(byte)));
  }
  EXPECT_EQ(StateOf(*plain_, "s"), StateOf(*whole_, "s"));
}

INSTANTIATE_TEST_SUITE_P(
    Versions, TunedStateTest, testing::Values("5.2", "6", "7"),
    [](const auto& info) {
      return "Rwkv" + absl::StrReplaceAll(info.param, {{".", "_"}});
    });

}  // namespace
}  // namespace oxbow
