// A model with a byte-level BPE tokenizer, served by the real oxbowd: where a
// word is several tokens and a token part of a character.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/check.h"
#include "engine/tokenizer/testing/small_bpe.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oxbow/v1/streams.grpc.pb.h"
#include "tests/testing/nasty_text.h"
#include "tests/testing/random_text.h"
#include "tests/testing/served_model.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {
namespace {

using testing::HasSubstr;

struct Vocabulary {
  std::string name;
  std::string path;         // empty: not here
  std::string version;      // of the model
  int vocabulary_size = 0;  // of the model
};

Vocabulary Small() {
  return {"Small", WriteSmallBpe(testing::TempDir() + "/small.json"), "7", 384};
}

// RWKV-4 Pile's.
Vocabulary Pile() {
  const char* shared = std::getenv("OXBOW_SHARED");
  std::string path =
      absl::StrCat(shared ? shared : "", "/data/20B_tokenizer.json");
  if (!std::ifstream(path).good()) path.clear();
  return {"Pile", path, "4", 50277};
}

v1::At AtByte(int64_t byte) {
  v1::At at;
  at.set_byte_offset(byte);
  return at;
}

v1::At AtToken(int64_t token) {
  v1::At at;
  at.set_token_offset(token);
  return at;
}

class ServedBpeTest : public testing::TestWithParam<Vocabulary (*)()> {
 protected:
  void SetUp() override {
    const Vocabulary vocabulary = GetParam()();
    if (vocabulary.path.empty()) {
      GTEST_SKIP() << "no 20B tokenizer (OXBOW_SHARED is not set)";
    }
    TinyModelOptions options;
    options.version = vocabulary.version;
    options.vocabulary_size = vocabulary.vocabulary_size;
    const std::string model =
        absl::StrCat(testing::TempDir(), "/", vocabulary.name, ".safetensors");
    OXBOW_CHECK_OK(WriteTinyModel(options, model));
    served_ = std::make_unique<ServedModel>(std::vector<std::string>{
        "--model=" + model, "--tokenizer=hf:" + vocabulary.path,
        "--checkpoint-tokens=16", "--threads=1"});
  }

  std::string LongText(size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += NastyText(random_() % 300, &random_);
    return text;
  }

  int64_t CountTokens(absl::string_view text) {
    return static_cast<int64_t>(served_->Tokenize(text).size());
  }

  std::string FreshDigest(const std::string& text) {
    const std::string name = NewName();
    served_->Create(name);
    served_->Append(name, text);
    return served_->Get(name).state_digest();
  }

  std::string NewName() { return absl::StrCat("s", next_++); }

  // Of the vector `last` of that point, as it is.
  v1::EmbedRequest LastOf(const std::string& name, int64_t byte) {
    v1::EmbedRequest request;
    request.mutable_stream()->set_stream_id(name);
    *request.mutable_stream()->mutable_at() = AtByte(byte);
    return Last(request);
  }
  v1::EmbedRequest LastOfText(const std::string& text) {
    v1::EmbedRequest request;
    request.mutable_texts()->add_texts(text);
    return Last(request);
  }

  // Draws from the tokens of this text alone, all about as often.
  v1::GenerateRequest GenerateFrom(const std::string& name,
                                   const std::string& alphabet) {
    v1::GenerateRequest request;
    request.set_stream_id(name);
    request.set_max_tokens(60);
    request.mutable_sampling()->set_top_p(1);
    request.mutable_sampling()->set_temperature(10);
    request.mutable_sampling()->set_seed(7);
    for (const int id : served_->Tokenize(alphabet)) {
      (*request.mutable_sampling()->mutable_logit_bias())[id] = 1000;
    }
    return request;
  }

  std::unique_ptr<ServedModel> served_;
  std::mt19937_64 random_{20261121};
  int next_ = 0;

 private:
  static v1::EmbedRequest Last(v1::EmbedRequest request) {
    request.set_pooling(v1::POOLING_LAST);
    request.set_normalize(false);
    return request;
  }
};

TEST_P(ServedBpeTest, TokensOfATextAndBack) {
  const auto info = served_->GetModel().tokenizer();
  EXPECT_THAT(info.name(), testing::StartsWith("hf:"));
  EXPECT_TRUE(info.reads_text());
  EXPECT_EQ(info.end_of_document(), 0);
  // Composed already, so the pieces are the text.
  const std::string text = "The world's 你好 café\n\n  😀 naïve";
  const auto back = served_->Detokenize(served_->Tokenize(text));
  EXPECT_EQ(back.text(), text);
  int64_t bytes = 0;
  for (const int length : back.byte_lengths()) bytes += length;
  EXPECT_EQ(bytes, static_cast<int64_t>(text.size()));
  // What is not UTF-8 is read as U+FFFD; the log keeps it.
  EXPECT_EQ(served_->Tokenize("a\xff z"), served_->Tokenize("a\xef\xbf\xbd z"));
  served_->Create("broken");
  served_->Append("broken", "a\xff z");
  EXPECT_EQ(served_->Text("broken"), "a\xff z");
  EXPECT_EQ(served_->Get("broken").durable().byte_offset(), 4);
}

TEST_P(ServedBpeTest, AnyCutsAndRestartsAreOneState) {
  for (int round = 0; round < 2; ++round) {
    const std::string text = LongText(2500);
    const std::string whole = FreshDigest(text);
    ASSERT_EQ(whole.size(), 32u);
    const std::string name = NewName();
    served_->Create(name);
    const size_t half = random_() % text.size();
    served_->Append(name, text.substr(0, half), RandomCuts(half, &random_));
    served_->CrashAndRestart();
    const std::string rest = text.substr(half);
    served_->Append(name, rest, RandomCuts(rest.size(), &random_));
    EXPECT_EQ(served_->Get(name).state_digest(), whole) << "round " << round;
    served_->Restart();
    const v1::Stream stream = served_->Get(name);
    EXPECT_EQ(stream.state_digest(), whole) << "round " << round;
    EXPECT_EQ(served_->Text(name), text);
    // Decided tokens are those of any longer text, up to there.
    EXPECT_LE(stream.token_offset(), CountTokens(text));
    EXPECT_LT(stream.undecided_bytes(),
              served_->GetModel().tokenizer().longest_piece_bytes());
    const std::string decided =
        text.substr(0, text.size() - stream.undecided_bytes());
    EXPECT_EQ(stream.token_offset(), CountTokens(decided));
  }
}

TEST_P(ServedBpeTest, AByteOfThePastIsATextThatEndsThere) {
  const std::string text = LongText(6000);
  const std::string doc = NewName();
  served_->Create(doc);
  served_->Append(doc, text);
  for (int round = 0; round < 4; ++round) {
    const size_t byte = 1 + random_() % text.size();
    const std::string past = text.substr(0, byte);
    const v1::EmbedResponse at = served_->Embed(LastOf(doc, byte));
    EXPECT_EQ(at.point().position().byte_offset(), static_cast<int64_t>(byte));
    EXPECT_EQ(at.point().token_offset(), CountTokens(past)) << "byte " << byte;
    const v1::EmbedResponse of_text = served_->Embed(LastOfText(past));
    ASSERT_EQ(of_text.embeddings_size(), 1);
    EXPECT_EQ(at.embeddings(0).SerializeAsString(),
              of_text.embeddings(0).SerializeAsString())
        << "byte " << byte;
    // A fork there stays open.
    const std::string more = NastyText(40, &random_);
    const std::string fork = NewName();
    EXPECT_EQ(
        served_->Fork(doc, AtByte(byte), fork).fork_position().byte_offset(),
        static_cast<int64_t>(byte));
    served_->Append(fork, more, RandomCuts(more.size(), &random_));
    EXPECT_EQ(served_->Get(fork).state_digest(), FreshDigest(past + more))
        << "byte " << byte;
  }
}

TEST_P(ServedBpeTest, AForkInsideAWordIsRefusedWithItsNeighbours) {
  served_->Create("doc");
  served_->Append("doc", "xyzzyqqt then more");
  ASSERT_GT(CountTokens("xyzzyqqt"), 2);
  v1::ForkRequest request;
  request.set_stream_id("doc");
  *request.mutable_at() = AtToken(1);
  request.set_new_stream_id("inside");
  grpc::ClientContext context;
  v1::Stream stream;
  const grpc::Status status =
      served_->streams().Fork(&context, request, &stream);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(status.error_details(), HasSubstr("INSIDE_WORD"));
  const int64_t behind = CountTokens("xyzzyqqt");
  EXPECT_THAT(status.error_message(), HasSubstr(absl::StrCat(behind)));
  EXPECT_EQ(served_->Fork("doc", AtToken(behind), "behind")
                .fork_position()
                .byte_offset(),
            8);
}

TEST_P(ServedBpeTest, ATextScoresAsItsTokens) {
  served_->Create("doc");
  served_->Append("doc", "The world ");
  const std::vector<std::string> texts = {"and 你好", "\xe4\xbd", "e\u0301!",
                                          " caf\u00e9\xff", "  \n\n"};
  v1::ScoreRequest of_texts, of_ids;
  of_texts.set_stream_id("doc");
  of_ids.set_stream_id("doc");
  for (const std::string& text : texts) {
    of_texts.mutable_texts()->add_texts(text);
    auto* ids = of_ids.mutable_tokens()->add_lists()->mutable_ids();
    const std::vector<int> tokens = served_->Tokenize(text);
    *ids = {tokens.begin(), tokens.end()};
  }
  const v1::ScoreResponse scored = served_->Score(of_texts);
  ASSERT_EQ(scored.scores_size(), static_cast<int>(texts.size()));
  EXPECT_EQ(scored.SerializeAsString(),
            served_->Score(of_ids).SerializeAsString());
  EXPECT_EQ(scored.point().token_offset(), CountTokens("The world "));
  for (const v1::ScoredText& score : scored.scores()) {
    EXPECT_LT(score.logprob(), 0);
  }
}

TEST_P(ServedBpeTest, AStopTextMayEndInsideATokenAndACharacter) {
  served_->Create("doc");
  served_->Append("doc", "The world ");
  const v1::GenerateRequest free = GenerateFrom("doc", "你好 world 😀s");
  const ServedGeneration whole = served_->Generate(free);
  ASSERT_EQ(whole.tokens.size(), 60u);
  EXPECT_EQ(whole.finished.finish_reason(), v1::FINISH_REASON_LENGTH);
  const std::string text = whole.told();
  EXPECT_EQ(whole.finished.text(), text);
  std::vector<size_t> ends = {0};
  for (const v1::GeneratedToken& token : whole.tokens) {
    ends.push_back(ends.back() + token.text().size());
  }
  int inside_token = 0, inside_character = 0;
  const size_t third = text.size() / 3;
  for (size_t begin = third; begin < third + 12; ++begin) {
    const size_t end = begin + 4;
    v1::GenerateRequest request = free;
    request.add_stop_texts(text.substr(begin, 4));
    const size_t first = text.find(request.stop_texts(0));
    if (first != begin) continue;
    inside_token += !std::binary_search(ends.begin(), ends.end(), end);
    inside_character += (text[end] & 0xc0) == 0x80;
    const ServedGeneration stopped = served_->Generate(request);
    EXPECT_EQ(stopped.finished.finish_reason(), v1::FINISH_REASON_STOP_TEXT);
    EXPECT_EQ(stopped.finished.text(), text.substr(0, first));
    // The token in which the stop begins is neither told nor kept.
    const size_t kept =
        std::upper_bound(ends.begin(), ends.end(), first) - ends.begin() - 1;
    ASSERT_EQ(stopped.tokens.size(), kept) << "stop at " << first;
    EXPECT_EQ(stopped.finished.tokens(), static_cast<int>(kept));
    for (size_t i = 0; i < kept; ++i) {
      EXPECT_EQ(stopped.tokens[i].token(), whole.tokens[i].token());
    }
  }
  EXPECT_GT(inside_token, 0);
  EXPECT_GT(inside_character, 0);
}

TEST_P(ServedBpeTest, WhatIsCommittedGoesOnOverARestart) {
  const std::string text = "The world's caf";
  served_->Create("doc");
  served_->Append("doc", text);
  v1::GenerateRequest request = GenerateFrom("doc", "你好 world 😀s");
  request.set_max_tokens(9);
  request.set_prompt_text("e\u0301 ");
  request.set_commit(true);
  request.set_request_id("once");
  const ServedGeneration first = served_->Generate(request);
  EXPECT_EQ(first.start.position().byte_offset(),
            static_cast<int64_t>(text.size()));
  EXPECT_EQ(first.start.token_offset(), CountTokens(text));
  const v1::Point& committed = first.finished.committed();
  // The prompt is kept as ids: its pieces are the composed character.
  const std::string all = absl::StrCat(text, "\u00e9 ", first.told());
  EXPECT_EQ(committed.position().byte_offset(),
            static_cast<int64_t>(all.size()));
  EXPECT_EQ(committed.token_offset(),
            CountTokens(text) + CountTokens("\u00e9 ") + 9);
  EXPECT_EQ(served_->Text("doc"), all);
  EXPECT_EQ(served_->Get("doc").token_offset(), committed.token_offset());

  served_->CrashAndRestart();
  EXPECT_EQ(served_->Generate(request).told(), first.told());
  EXPECT_EQ(served_->Text("doc"), all) << "a repeat adds nothing";
  served_->Append("doc", " more 好", {2, 4, 1});
  // The same from ids.
  std::vector<int> ids = served_->Tokenize(text);
  for (const int id : served_->Tokenize("\u00e9 ")) ids.push_back(id);
  for (const auto& token : first.tokens) ids.push_back(token.token());
  served_->Create("same");
  served_->AppendIds("same", ids);
  served_->Append("same", " more 好");
  served_->Restart();
  EXPECT_EQ(served_->Get("doc").state_digest(),
            served_->Get("same").state_digest());
}

TEST_P(ServedBpeTest, TheTimelineDoesNotKnowTheCuts) {
  const std::string text = LongText(1500);
  served_->Create("whole", 5);
  served_->Append("whole", text);
  const std::vector<v1::TimelineEntry> whole = served_->Timeline("whole");
  ASSERT_GT(whole.size(), 40u);
  EXPECT_EQ(whole.front().byte_begin(), 0);
  EXPECT_EQ(whole.back().byte_end(), static_cast<int64_t>(text.size()));
  EXPECT_EQ(whole.back().token_end(), CountTokens(text));
  served_->Create("cut", 5);
  const size_t half = text.size() / 2;
  served_->Append("cut", text.substr(0, half), RandomCuts(half, &random_));
  served_->CrashAndRestart();
  served_->Append("cut", text.substr(half), RandomCuts(half, &random_));
  served_->Restart();
  const std::vector<v1::TimelineEntry> cut = served_->Timeline("cut");
  ASSERT_EQ(cut.size(), whole.size());
  for (size_t i = 0; i < cut.size(); ++i) {
    EXPECT_EQ(cut[i].SerializeAsString(), whole[i].SerializeAsString()) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, ServedBpeTest,
                         testing::Values(&Small, &Pile),
                         [](const auto& info) { return info.param().name; });

}  // namespace
}  // namespace oxbow
