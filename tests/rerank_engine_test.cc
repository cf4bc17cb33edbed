// Rerank of the engine: what it refuses, that it changes nothing, and that
// scores depend on nothing but document and query.
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "engine/error_reason.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/sync_engine.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {
namespace {

using testing::HasSubstr;

constexpr char kPrefix[] = "Instruct: find\nDocument: ";

std::string WriteReranker() {
  TinyModelOptions options;
  options.reranker = true;
  options.width = 32;  // As WriteTestModel's.
  const std::string path = absl::StrCat(testing::TempDir(), "/reranker.pth");
  OXBOW_CHECK_OK(WriteTinyModel(options, path));
  return path;
}

class RerankEngineTest : public testing::Test {
 protected:
  RerankEngineTest() { Restart(); }

  void Restart() {
    engine_.reset();
    SyncEngine::Options options;
    options.model_path = WriteTestModel(true);
    options.reranker_path = WriteReranker();
    options.engine.checkpoint_tokens = 16;
    options.engine.limits.open_streams_max = 12;
    auto started = SyncEngine::Start(options, &store_);
    ASSERT_TRUE(started.ok()) << started.status();
    engine_ = *std::move(started);
  }

  void Make(const std::string& name, const std::string& text,
            const std::string& prefix = kPrefix) {
    EmbeddingPlan plan;
    plan.prefix = prefix;
    ASSERT_TRUE(engine_->Create(name, plan).ok());
    ASSERT_TRUE(
        engine_->AppendCut(name, text, RandomCuts(text.size(), &random_)).ok());
  }

  static RerankRequest Ask(const std::string& query,
                           const std::vector<std::string>& names) {
    RerankRequest request;
    request.query = query;
    for (const std::string& name : names) {
      request.streams.emplace_back();
      request.streams.back().name.stream = name;
    }
    return request;
  }
  // By index of the request.
  std::vector<float> Logits(const RerankRequest& request) {
    const auto reply = engine_->Rerank(request);
    EXPECT_TRUE(reply.ok()) << reply.status();
    std::vector<float> logits(request.streams.size());
    if (!reply.ok()) return logits;
    for (const RankedStream& ranked : reply->ranked) {
      logits[ranked.index] = ranked.logit;
    }
    return logits;
  }
  std::string RefusalOf(const RerankRequest& request) {
    return ReasonOf(engine_->Rerank(request).status());
  }

  MemoryStore store_;
  std::unique_ptr<SyncEngine> engine_;
  std::mt19937_64 random_{5};
};

TEST_F(RerankEngineTest, ManyStreamsAreRankedAsEachAlone) {
  std::vector<std::string> names;
  std::vector<std::string> digests;
  for (int i = 0; i < 40; ++i) {
    names.push_back(absl::StrCat("s", i));
    Make(names.back(), RandomText(i * 3, &random_), i % 3 ? kPrefix : "");
    digests.push_back(engine_->DigestOf(names.back()));
  }
  names.push_back("s7");  // Once more.
  const RerankRequest request = Ask("what?", names);
  const auto reply = engine_->Rerank(request);
  ASSERT_TRUE(reply.ok()) << reply.status();
  ASSERT_EQ(reply->ranked.size(), 41u);
  for (size_t i = 0; i < names.size(); ++i) {
    const RankedStream& ranked = reply->ranked[i];
    EXPECT_EQ(ranked.name.stream, names[ranked.index]);
    EXPECT_EQ(ranked.plain, ranked.index % 3 == 0 && ranked.index != 40);
    EXPECT_EQ(ranked.score, RankScore(ranked.logit));
    EXPECT_LE(ranked.logit, reply->ranked[i > 0 ? i - 1 : 0].logit);
  }
  const std::vector<float> logits = Logits(request);
  EXPECT_EQ(logits[40], logits[7]);
  EXPECT_NE(logits[8], logits[7]);
  Restart();
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(Logits(Ask("what?", {names[i]}))[0], logits[i]) << i;
    EXPECT_EQ(engine_->DigestOf(names[i]), digests[i]);
  }
}

TEST_F(RerankEngineTest, AScoreIsThatOfTheWholeTextInOne) {
  // The document with prefix and query as one stream, read with ids alone.
  for (const std::string document : {"ab", "ab\n", "", "x y\n\n", "\n"}) {
    Make("d", document);
    const std::string line_end =
        !document.empty() && document.back() == '\n' ? "" : "\n";
    Make("whole", kPrefix + document + line_end, "");
    RerankRequest ids = Ask("", {"whole"});
    ids.query_ids = Tokenize(engine_->engine().tokenizer(), "Query: dog ");
    EXPECT_EQ(Logits(Ask("dog ", {"d"})), Logits(ids)) << document;
    EXPECT_NE(Logits(Ask("cat", {"d"})), Logits(ids)) << document;
    ASSERT_TRUE(engine_->Delete("d").ok());
    ASSERT_TRUE(engine_->Delete("whole").ok());
  }
}

TEST_F(RerankEngineTest, PastPointsScoreAsTheyDidAtTheHead) {
  const std::string text = RandomText(120, &random_);
  std::vector<float> at_head;
  for (int end = 0; end <= 120; end += 24) {
    Make(absl::StrCat("to", end), text.substr(0, end));
    at_head.push_back(Logits(Ask("q", {absl::StrCat("to", end)}))[0]);
  }
  Make("all", text);
  for (int end = 0; end <= 120; end += 24) {
    RerankRequest request = Ask("q", {"all"});
    request.streams[0].at = AtByte(end);
    const auto reply = engine_->Rerank(request);
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->ranked[0].logit, at_head[end / 24]) << end;
    EXPECT_EQ(reply->ranked[0].point.position.byte_offset, uint64_t(end));
  }
}

TEST_F(RerankEngineTest, CallsAtOnceDoNotDisturbEachOther) {
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i) {
    names.push_back(absl::StrCat("s", i));
    Make(names.back(), RandomText(60, &random_));
  }
  const std::vector<float> alone = Logits(Ask("q", names));
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&]() {
      for (int round = 0; round < 5; ++round) {
        EXPECT_EQ(Logits(Ask("q", names)), alone);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(RerankEngineTest, WhatCannotBeDoneIsRefused) {
  Make("s", "text");
  EXPECT_EQ(RefusalOf(Ask("q", {"s", "nosuch"})), "NO_STREAM");
  EXPECT_EQ(RefusalOf(Ask("q", {})), "BAD_COUNT");
  EXPECT_EQ(RefusalOf(Ask("q", std::vector<std::string>(257, "s"))),
            "BAD_COUNT");
  EXPECT_EQ(RefusalOf(Ask("q", std::vector<std::string>(256, "s"))), "");
  EXPECT_EQ(RefusalOf(Ask("", {"s"})), "BAD_COUNT");
  EXPECT_EQ(RefusalOf(Ask("q", {"s", "/"})), "BAD_STREAM_ID");
  RerankRequest request = Ask("q", {"s"});
  request.query_ids = {1};
  EXPECT_EQ(RefusalOf(request), "BAD_COUNT");
  request = Ask("", {"s"});
  request.query_ids = {1 << 20};
  EXPECT_EQ(RefusalOf(request), "BAD_TOKEN_ID");
  request = Ask("q", {"s"});
  request.streams[0].at = AtByte(5);
  EXPECT_EQ(RefusalOf(request), "PAST_END");
  request = Ask("q", {"s"});
  request.cancelled = std::make_shared<std::atomic<bool>>(true);
  EXPECT_EQ(engine_->Rerank(request).status().code(),
            absl::StatusCode::kCancelled);
  // All is given back.
  for (int i = 0; i < 300; ++i) EXPECT_EQ(RefusalOf(Ask("q", {"s"})), "");
}

TEST_F(RerankEngineTest, WithoutARerankerThereIsNone) {
  MemoryStore store;
  SyncEngine::Options options;
  options.model_path = WriteTestModel(true);
  const auto engine = *SyncEngine::Start(options, &store);
  const absl::Status status = engine->Rerank(Ask("q", {"s"})).status();
  EXPECT_EQ(ReasonOf(status), "NO_RERANKER");
  EXPECT_THAT(std::string(status.message()), HasSubstr("--reranker=PATH"));
}

}  // namespace
}  // namespace oxbow
