// Continuations, scores, embeddings and timelines over the whole engine.
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "engine/error_reason.h"
#include "engine/tokenizer/tokenizer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "store/testing/faulty_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

class GenerateTest : public testing::Test {
 protected:
  GenerateTest() {
    Restart(/*embedder=*/false);
    text_ = RandomText(500, &random_);
    EXPECT_TRUE(engine_->Create("doc").ok());
    EXPECT_TRUE(engine_->AppendText("doc", text_).ok());
  }

  void Restart(bool embedder) {
    engine_.reset();
    SyncEngine::Options options;
    options.engine.checkpoint_tokens = 64;
    if (embedder) options.embedder_path = WriteTestModel(true);
    auto started = SyncEngine::Start(options, &store_);
    ASSERT_TRUE(started.ok()) << started.status();
    engine_ = *std::move(started);
  }

  static GenerateRequest Request(int tokens) {
    GenerateRequest request;
    request.name.stream = "doc";
    request.tokens_max = tokens;
    request.sampling.seed = 5;
    request.ignore_end_of_document = true;
    return request;
  }

  static std::vector<int> Ids(const GeneratedText& text, int branch = 0) {
    std::vector<int> ids;
    for (const GeneratedToken& token : text.tokens) {
      if (token.branch == branch) ids.push_back(token.id);
    }
    return ids;
  }

  MemoryStore store_;
  std::unique_ptr<SyncEngine> engine_;
  std::mt19937_64 random_{99};
  std::string text_;
};

TEST_F(GenerateTest, TheSeedDecidesAndTheStreamStays) {
  const std::string before = engine_->DigestOf("doc");
  const auto one = engine_->Generate(Request(30));
  ASSERT_TRUE(one.ok()) << one.status();
  const auto again = engine_->Generate(Request(30));
  GenerateRequest other = Request(30);
  other.sampling.seed = 6;
  const auto different = engine_->Generate(other);
  EXPECT_EQ(Ids(*one).size(), 30u);
  EXPECT_EQ(Ids(*one), Ids(*again));
  EXPECT_NE(Ids(*one), Ids(*different));
  EXPECT_EQ(engine_->DigestOf("doc"), before);
}

TEST_F(GenerateTest, GreedyTakesTheLargestAndScoreAgrees) {
  GenerateRequest request = Request(8);
  request.sampling.temperature = 0;
  request.top_logprobs = 3;
  const auto text = engine_->Generate(request);
  ASSERT_TRUE(text.ok()) << text.status();
  ScoreRequest score;
  score.name.stream = "doc";
  score.ids = {Ids(*text)};
  const auto scored = engine_->Score(score);
  ASSERT_TRUE(scored.ok()) << scored.status();
  for (size_t i = 0; i < text->tokens.size(); ++i) {
    const GeneratedToken& token = text->tokens[i];
    ASSERT_EQ(token.top.size(), 3u);
    EXPECT_EQ(token.top[0].id, token.id);
    EXPECT_GE(token.top[0].logprob, token.top[1].logprob);
    EXPECT_NEAR(scored->scores[0].tokens[i].logprob, token.logprob, 1e-5);
  }
}

TEST_F(GenerateTest, ACommitEqualsAppendingTheSameIds) {
  ASSERT_TRUE(engine_->Fork("doc", AtHead(), "twin").ok());
  GenerateRequest request = Request(20);
  request.prompt = "abc";
  request.commit = true;
  request.request_id = "once";
  const auto text = engine_->Generate(request);
  ASSERT_TRUE(text.ok()) << text.status();
  std::vector<int> ids = Tokenize(engine_->engine().tokenizer(), "abc");
  for (int id : Ids(*text)) ids.push_back(id);
  ASSERT_TRUE(engine_->AppendIds("twin", ids).ok());
  EXPECT_EQ(engine_->DigestOf("doc"), engine_->DigestOf("twin"));
  const auto info = engine_->Get("doc", true);
  EXPECT_EQ(text->branches[0].committed->position, info->durable);
  EXPECT_EQ(text->branches[0].committed->token_offset, info->token_offset);
  // The same request again changes nothing and says the same.
  const auto repeated = engine_->Generate(request);
  ASSERT_TRUE(repeated.ok()) << repeated.status();
  EXPECT_EQ(Ids(*repeated), Ids(*text));
  EXPECT_EQ(engine_->DigestOf("doc"), engine_->DigestOf("twin"));
}

TEST_F(GenerateTest, ACommitElsewhereIsRefused) {
  GenerateRequest request = Request(5);
  request.commit = true;
  request.expected = Position{3, 0};
  EXPECT_EQ(ReasonOf(engine_->Generate(request).status()), "OFFSET_MOVED");
  request.expected.reset();
  request.at = AtByte(3);
  EXPECT_EQ(ReasonOf(engine_->Generate(request).status()), "BAD_KEEPING");
}

TEST_F(GenerateTest, BranchesAreKeptAsStreamsThatGoOn) {
  GenerateRequest request = Request(12);
  request.at = AtByte(200);
  request.branches = 3;
  request.keep_as = "kept";
  const auto text = engine_->Generate(request);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_NE(Ids(*text, 0), Ids(*text, 1));
  for (int branch = 0; branch < 3; ++branch) {
    const std::string kept = absl::StrCat("kept.", branch + 1);
    const std::string fresh = absl::StrCat("fresh", branch);
    ASSERT_TRUE(engine_->Create(fresh).ok());
    ASSERT_TRUE(engine_->AppendText(fresh, text_.substr(0, 200)).ok());
    ASSERT_TRUE(engine_->AppendIds(fresh, Ids(*text, branch)).ok());
    ASSERT_TRUE(engine_->AppendText(fresh, "ab").ok());
    ASSERT_TRUE(engine_->AppendText(kept, "ab").ok());
    EXPECT_EQ(engine_->DigestOf(kept), engine_->DigestOf(fresh));
  }
  EXPECT_EQ(ReasonOf(engine_->Generate(request).status()), "STREAM_EXISTS");
}

TEST_F(GenerateTest, AStopTextIsNeitherToldNorKept) {
  const auto free = engine_->Generate(Request(60));
  std::string whole;
  for (const GeneratedToken& token : free->tokens) whole += token.bytes;
  GenerateRequest request = Request(60);
  request.stops = {whole.substr(whole.size() / 2, 3)};
  const auto text = engine_->Generate(request);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->branches[0].reason, FinishReason::kStopText);
  EXPECT_EQ(text->branches[0].text,
            whole.substr(0, whole.find(request.stops[0])));
  std::string told;
  for (const GeneratedToken& token : text->tokens) told += token.bytes;
  EXPECT_EQ(text->branches[0].text.substr(0, told.size()), told);
}

TEST_F(GenerateTest, AnEmptyStreamBeginsWithTheEndOfADocument) {
  ASSERT_TRUE(engine_->Create("empty").ok());
  ASSERT_TRUE(engine_->Create("zero").ok());
  ASSERT_TRUE(engine_->AppendIds("zero", {0}).ok());
  GenerateRequest request = Request(10);
  request.name.stream = "empty";
  const auto empty = engine_->Generate(request);
  ASSERT_TRUE(empty.ok()) << empty.status();
  ScoreRequest score;
  score.ids = {Ids(*empty)};
  score.name.stream = "empty";
  const auto one = engine_->Score(score);
  score.name.stream = "zero";
  const auto other = engine_->Score(score);
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_EQ(one->scores[0].logprob, other->scores[0].logprob);
}

TEST_F(GenerateTest, ASavepointIsAPoint) {
  ASSERT_TRUE(engine_->Checkpoint("doc", AtHead(), "here").ok());
  const auto there = engine_->LastVector("doc", AtHead());
  ASSERT_TRUE(engine_->AppendText("doc", "abcabc").ok());
  EXPECT_EQ(*engine_->LastVector("doc", AtLabel("here")), *there);
  EXPECT_NE(*engine_->LastVector("doc", AtHead()), *there);
  EXPECT_EQ(ReasonOf(engine_->Checkpoint("doc", AtHead(), "here").status()),
            "LABEL_EXISTS");
  ASSERT_TRUE(engine_->DeleteCheckpoint("doc", "here").ok());
  EXPECT_EQ(ReasonOf(engine_->LastVector("doc", AtLabel("here")).status()),
            "NO_SAVEPOINT");
}

TEST_F(GenerateTest, PointsThatAreNotThereAreRefused) {
  EXPECT_EQ(ReasonOf(engine_->LastVector("doc", AtByte(501)).status()),
            "PAST_END");
  EXPECT_EQ(ReasonOf(engine_->LastVector("doc", AtToken(100000)).status()),
            "PAST_END");
  ASSERT_TRUE(engine_->AppendIds("doc", {400}).ok());
  EXPECT_EQ(ReasonOf(engine_->LastVector("doc", AtByte(501)).status()),
            "INSIDE_TOKEN");
  EXPECT_EQ(ReasonOf(engine_->LastVector("nope", AtHead()).status()),
            "NO_STREAM");
}

// The mean of a span does not depend on the way it was reached.
TEST_F(GenerateTest, MeansOfPrefixesAgree) {
  EmbedRequest request;
  request.name = StreamName();
  request.name->stream = "doc";
  request.pooling = Pooling::kMean;
  request.at = AtByte(300);
  const auto of_past = engine_->Embed(request);
  ASSERT_TRUE(of_past.ok()) << of_past.status();
  ASSERT_TRUE(engine_->Create("prefix").ok());
  ASSERT_TRUE(engine_->AppendText("prefix", text_.substr(0, 300)).ok());
  request.name->stream = "prefix";
  request.at = AtHead();
  const auto of_head = engine_->Embed(request);
  ASSERT_TRUE(of_head.ok());
  EXPECT_EQ(of_past->vectors, of_head->vectors);
  EmbedRequest inline_text;
  inline_text.texts = {text_.substr(0, 300)};
  inline_text.pooling = Pooling::kMean;
  EXPECT_EQ(engine_->Embed(inline_text)->vectors, of_head->vectors);
}

class TimelineTest : public GenerateTest,
                     public testing::WithParamInterface<bool> {};

TEST_P(TimelineTest, IsTheSameForAnyChunksAndCrashes) {
  MemoryStore other_models;
  SyncEngine::Options options;
  options.engine.checkpoint_tokens = 64;
  if (GetParam()) options.embedder_path = WriteTestModel(true);
  const std::string text = RandomText(2000, &random_);
  for (EmbeddingPlan::Kind kind :
       {EmbeddingPlan::Kind::kEveryTokens, EmbeddingPlan::Kind::kParagraph,
        EmbeddingPlan::Kind::kSentence}) {
    MemoryStore store;
    auto engine = SyncEngine::Start(options, &store);
    ASSERT_TRUE(engine.ok()) << engine.status();
    EmbeddingPlan plan;
    plan.kind = kind;
    plan.tokens = 37;
    ASSERT_TRUE((*engine)->Create("whole", plan).ok());
    ASSERT_TRUE((*engine)->AppendText("whole", text).ok());
    ASSERT_TRUE((*engine)->Create("cut", plan).ok());
    size_t done = 0;
    while (done < text.size()) {
      const size_t bytes = std::min(text.size() - done, 1 + random_() % 400);
      ASSERT_TRUE((*engine)->AppendText("cut", text.substr(done, bytes)).ok());
      done += bytes;
      if (random_() % 3 > 0) continue;
      engine->reset();
      engine = SyncEngine::Start(options, &store);
      ASSERT_TRUE(engine.ok()) << engine.status();
    }
    const auto whole = (*engine)->Timeline("whole", true);
    const auto cut = (*engine)->Timeline("cut", true);
    ASSERT_TRUE(whole.ok()) << whole.status();
    ASSERT_TRUE(cut.ok()) << cut.status();
    EXPECT_EQ(whole->raw, !GetParam());
    ASSERT_GT(whole->entries.size(), 5u);
    ASSERT_EQ(whole->entries.size(), cut->entries.size());
    uint64_t token = 0, byte = 0;
    for (size_t i = 0; i < whole->entries.size(); ++i) {
      const EmbeddingRecord& a = whole->entries[i].record;
      EXPECT_EQ(a.token_begin, token);
      EXPECT_EQ(a.byte_begin, byte);
      token = a.token_end;
      byte = a.byte_end;
      EXPECT_EQ(a.token_end, cut->entries[i].record.token_end);
      EXPECT_EQ(a.vector, cut->entries[i].record.vector) << "span " << i;
      EXPECT_EQ(whole->entries[i].partial, i + 1 == whole->entries.size());
    }
    EXPECT_EQ(byte, text.size());
  }
}

// A span that the disk had no room for is computed again, before any that
// follows it is stored.
TEST_P(TimelineTest, AFullDiskLeavesNoHole) {
  SyncEngine::Options options;
  options.engine.checkpoint_tokens = 64;
  if (GetParam()) options.embedder_path = WriteTestModel(true);
  MemoryStore memory;
  FaultyStore store(&memory);
  auto engine = SyncEngine::Start(options, &store);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const std::string text = RandomText(3000, &random_);
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  plan.tokens = 20;
  ASSERT_TRUE((*engine)->Create("whole", plan).ok());
  ASSERT_TRUE((*engine)->AppendText("whole", text).ok());
  ASSERT_TRUE((*engine)->Create("refused", plan).ok());
  size_t done = 0;
  for (int i = 0; done < text.size(); ++i) {
    ASSERT_LT(i, 1000);
    if (i % 4 == 2) store.FailEmbedding(absl::ResourceExhaustedError("full"));
    const absl::Status status =
        (*engine)->AppendText("refused", text.substr(done, 200)).status();
    EXPECT_TRUE(status.ok() || absl::IsResourceExhausted(status)) << status;
    const auto info = (*engine)->Get("refused");
    if (info.ok()) done = info->durable.byte_offset;
  }
  const auto whole = (*engine)->Timeline("whole", false);
  ASSERT_TRUE(whole.ok());
  // At any time a beginning, and soon all.
  size_t there = 0;
  for (int i = 0; there < whole->entries.size(); ++i) {
    ASSERT_LT(i, 1000) << there << " of " << whole->entries.size();
    absl::SleepFor(absl::Milliseconds(10));
    const auto refused = (*engine)->Timeline("refused", false);
    ASSERT_TRUE(refused.ok());
    for (; there < refused->entries.size(); ++there) {
      EXPECT_EQ(whole->entries[there].record.token_begin,
                refused->entries[there].record.token_begin);
      EXPECT_EQ(whole->entries[there].record.vector,
                refused->entries[there].record.vector)
          << "span " << there;
    }
  }
}

TEST_P(TimelineTest, AForkSharesItsBeginning) {
  SyncEngine::Options options;
  if (GetParam()) options.embedder_path = WriteTestModel(true);
  MemoryStore store;
  auto engine = SyncEngine::Start(options, &store);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const std::string text = RandomText(1000, &random_);
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  plan.tokens = 20;
  ASSERT_TRUE((*engine)->Create("doc", plan).ok());
  ASSERT_TRUE((*engine)->AppendText("doc", text).ok());
  ASSERT_TRUE((*engine)->Fork("doc", AtByte(701), "fork").ok());
  ASSERT_TRUE((*engine)->AppendText("fork", "abc abc abc abc").ok());
  ASSERT_TRUE((*engine)->Create("fresh", plan).ok());
  ASSERT_TRUE((*engine)
                  ->AppendText("fresh", text.substr(0, 701) + "abc abc abc abc")
                  .ok());
  const auto fork = (*engine)->Timeline("fork", true);
  const auto fresh = (*engine)->Timeline("fresh", true);
  ASSERT_TRUE(fork.ok()) << fork.status();
  ASSERT_EQ(fork->entries.size(), fresh->entries.size());
  for (size_t i = 0; i < fork->entries.size(); ++i) {
    EXPECT_EQ(fork->entries[i].record.vector, fresh->entries[i].record.vector);
  }
}

INSTANTIATE_TEST_SUITE_P(RawOrHead, TimelineTest, testing::Bool());

TEST(FollowTest, ADrainAndACancelEndTheWait) {
  MemoryStore store;
  auto engine = SyncEngine::Start(SyncEngine::Options(), &store);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  plan.tokens = 1000;
  ASSERT_TRUE((*engine)->Create("doc", plan).ok());
  ReadEmbeddingsRequest request;
  request.name.stream = "doc";
  request.follow = true;
  request.cancelled = std::make_shared<std::atomic<bool>>(false);
  absl::Notification cancelled, drained;
  (*engine)->engine().ReadEmbeddings(
      request, [&cancelled](absl::StatusOr<ReadEmbeddingsReply> reply) {
        EXPECT_TRUE(absl::IsCancelled(reply.status()));
        cancelled.Notify();
      });
  request.cancelled->store(true);
  cancelled.WaitForNotification();
  request.cancelled = nullptr;
  (*engine)->engine().ReadEmbeddings(
      request, [&drained](absl::StatusOr<ReadEmbeddingsReply> reply) {
        EXPECT_EQ(ReasonOf(reply.status()), "DRAINING");
        drained.Notify();
      });
  (*engine)->Drain();
  drained.WaitForNotification();
}

// Somebody who waits keeps the stream open, so that it is not read anew.
TEST(FollowTest, WhatAFullDiskRefusesIsForgotten) {
  MemoryStore memory;
  FaultyStore store(&memory);
  auto engine = SyncEngine::Start(SyncEngine::Options(), &store);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  plan.tokens = 1000;
  ASSERT_TRUE((*engine)->Create("doc", plan).ok());
  ASSERT_TRUE((*engine)->AppendText("doc", "kept").ok());
  ReadEmbeddingsRequest request;
  request.name.stream = "doc";
  request.follow = true;
  absl::Notification ended;
  (*engine)->engine().ReadEmbeddings(
      request,
      [&ended](absl::StatusOr<ReadEmbeddingsReply>) { ended.Notify(); });
  // The writer's epoch, then the record.
  store.Fail({absl::OkStatus(), absl::ResourceExhaustedError("full")});
  EXPECT_TRUE(absl::IsResourceExhausted(
      (*engine)->AppendText("doc", "refused").status()));
  const auto info = (*engine)->Get("doc", /*full=*/true);
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->durable.byte_offset, 4u);
  const auto ack = (*engine)->AppendText("doc", " and more");
  ASSERT_TRUE(ack.ok()) << ack.status();
  EXPECT_EQ(*(*engine)->Text("doc"), "kept and more");
  EXPECT_FALSE(ended.HasBeenNotified()) << "nobody kept it open";
  (*engine)->Drain();
  ended.WaitForNotification();
}

TEST(EmbedderTest, TheHeadReadsAScratchCopy) {
  MemoryStore store;
  SyncEngine::Options options;
  options.embedder_path = WriteTestModel(true);
  auto engine = SyncEngine::Start(options, &store);
  ASSERT_TRUE(engine.ok()) << engine.status();
  std::mt19937_64 random(3);
  const std::string text = RandomText(300, &random);
  ASSERT_TRUE((*engine)->Create("doc").ok());
  ASSERT_TRUE((*engine)->AppendText("doc", text).ok());
  const std::string before = (*engine)->DigestOf("doc");
  EmbedRequest request;
  request.name = StreamName();
  request.name->stream = "doc";
  request.pooling = Pooling::kHead;
  const auto of_head = (*engine)->Embed(request);
  ASSERT_TRUE(of_head.ok()) << of_head.status();
  EXPECT_FALSE(of_head->raw);
  EmbedRequest of_text;
  of_text.texts = {text};
  of_text.pooling = Pooling::kHead;
  EXPECT_EQ((*engine)->Embed(of_text)->vectors, of_head->vectors);
  EXPECT_EQ((*engine)->Embed(request)->vectors, of_head->vectors);
  EXPECT_EQ((*engine)->DigestOf("doc"), before);
  // A span alone is its text alone.
  request.from_byte = 100;
  request.at = AtByte(200);
  of_text.texts = {text.substr(100, 100)};
  EXPECT_EQ((*engine)->Embed(request)->vectors,
            (*engine)->Embed(of_text)->vectors);
}

TEST(ModelIdentityTest, AnotherModelsStoreIsRefused) {
  MemoryStore store;
  SyncEngine::Options options;
  ASSERT_TRUE(SyncEngine::Start(options, &store).ok());
  options.model_path = WriteTestModel(true);
  const auto other = SyncEngine::Start(options, &store);
  EXPECT_EQ(ReasonOf(other.status()), "MODEL_MISMATCH");
}

// Asks for a second continuation as soon as the first one has begun.
class SecondAsker : public GenerateObserver {
 public:
  SecondAsker(Engine* engine, const GenerateRequest& request)
      : engine_(engine), request_(request) {}

  void OnStart(const Point&) override {
    if (second_ != nullptr) engine_->Generate(request_, second_);
  }
  void OnToken(const GeneratedToken&) override {}
  void OnBranch(const FinishedBranch&) override {}
  void OnDone(const absl::Status& status) override {
    status_ = status;
    done_.Notify();
  }
  void set_second(GenerateObserver* second) { second_ = second; }
  absl::Status Wait() {
    done_.WaitForNotification();
    return status_;
  }

 private:
  Engine* const engine_;
  const GenerateRequest request_;
  GenerateObserver* second_ = nullptr;
  absl::Status status_;
  absl::Notification done_;
};

TEST_F(GenerateTest, RefusesMoreRequestsThanItMayRun) {
  engine_.reset();
  SyncEngine::Options options;
  options.engine.limits.running_requests_max = 1;
  auto started = SyncEngine::Start(options, &store_);
  ASSERT_TRUE(started.ok()) << started.status();
  engine_ = *std::move(started);
  SecondAsker first(&engine_->engine(), Request(300));
  SecondAsker second(&engine_->engine(), Request(1));
  first.set_second(&second);
  engine_->engine().Generate(Request(300), &first);
  const absl::Status refused = second.Wait();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), "TOO_MANY_REQUESTS");
  EXPECT_TRUE(first.Wait().ok());
  EXPECT_TRUE(engine_->Generate(Request(1)).ok()) << "there is room again";
}

}  // namespace
}  // namespace oxbow
