// A store under another model: what the new one makes of it is what it would
// have made of the same text from the beginning.
#include "engine/rebuild.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "engine/error_reason.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RebuildTest : public testing::Test {
 protected:
  static constexpr char kOld[] = "7";
  static constexpr char kNew[] = "6";

  std::unique_ptr<SyncEngine> Start(StreamStore* store,
                                    const std::string& version) {
    SyncEngine::Options options;
    options.engine.checkpoint_tokens = 64;
    options.model_path = WriteTestModel(false, version);
    auto started = SyncEngine::Start(options, store);
    EXPECT_TRUE(started.ok()) << started.status();
    return *std::move(started);
  }

  absl::StatusOr<RebuildReport> RebuildAll(StreamStore* to,
                                           RebuildOptions options = {},
                                           const std::string& tokenizer = "") {
    options.engine.checkpoint_tokens = 64;
    auto model = LoadTestModel(WriteTestModel(false, kNew), tokenizer, 1);
    EXPECT_TRUE(model.ok()) << model.status();
    return Rebuild(old_, to, *std::move(model), absl::nullopt, &clock_,
                   options);
  }

  std::string DigestOfFresh(SyncEngine* engine,
                            const std::vector<AppendChunk>& chunks) {
    EXPECT_TRUE(engine->Create("fresh").ok());
    const auto ack = engine->Append("fresh", chunks);
    EXPECT_TRUE(ack.ok()) << ack.status();
    const std::string digest = engine->DigestOf("fresh");
    EXPECT_TRUE(engine->Delete("fresh").ok());
    return digest;
  }

  static AppendChunk TextChunk(const std::string& text) {
    AppendChunk chunk;
    chunk.text = text;
    return chunk;
  }
  static AppendChunk IdsChunk(const std::vector<int>& ids) {
    AppendChunk chunk;
    chunk.kind = LogRecord::Kind::kTokens;
    chunk.ids = ids;
    return chunk;
  }

  RealClock clock_;
  MemoryStore old_;
  std::mt19937_64 random_{5};
};

TEST_F(RebuildTest, EverythingIsAsIfTheNewModelHadReadIt) {
  const std::string text = RandomText(900, &random_);
  std::string digest_of_book;
  {
    const auto engine = Start(&old_, kOld);
    EmbeddingPlan plan;
    plan.kind = EmbeddingPlan::Kind::kEveryTokens;
    plan.tokens = 20;
    ASSERT_TRUE(engine->Create("book", plan).ok());
    ASSERT_TRUE(engine->AppendText("book", text).ok());
    ASSERT_TRUE(engine->Checkpoint("book", AtByte(300), "early").ok());
    ASSERT_TRUE(engine->Checkpoint("book", AtHead(), "here").ok());
    ASSERT_TRUE(engine->Create("parent").ok());
    ASSERT_TRUE(engine->AppendText("parent", text.substr(0, 500)).ok());
    ASSERT_TRUE(engine->Checkpoint("parent", AtByte(111), "inherited").ok());
    ASSERT_TRUE(engine->Fork("parent", AtByte(401), "child").ok());
    ASSERT_TRUE(engine->AppendIds("child", {5, 300, 0, 0, 7}).ok());
    ASSERT_TRUE(engine->AppendText("child", "abc").ok());
    ASSERT_TRUE(engine->Delete("parent").ok());
    ASSERT_TRUE(engine->Create("empty").ok());
    digest_of_book = engine->DigestOf("book");
    engine->Drain();
  }
  MemoryStore made;
  const auto report = RebuildAll(&made);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->streams, 3);
  EXPECT_EQ(report->savepoints, 3);

  const auto engine = Start(&made, kNew);
  EXPECT_EQ(engine->List()->size(), 3u);
  EXPECT_EQ(*engine->Text("book"), text);
  EXPECT_NE(engine->DigestOf("book"), digest_of_book);
  EXPECT_EQ(engine->DigestOf("book"),
            DigestOfFresh(engine.get(), {TextChunk(text)}));
  EXPECT_EQ(engine->DigestOf("child"),
            DigestOfFresh(engine.get(),
                          {TextChunk(text.substr(0, 401)),
                           IdsChunk({5, 300, 0, 0, 7}), TextChunk("abc")}));
  EXPECT_EQ(*engine->LastVector("book", AtLabel("early")),
            *engine->LastVector("book", AtByte(300)));
  EXPECT_EQ(*engine->LastVector("book", AtLabel("here")),
            *engine->LastVector("book", AtHead()));
  EXPECT_TRUE(engine->LastVector("child", AtLabel("inherited")).ok());
  // The timeline too, and it is stored.
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  plan.tokens = 20;
  ASSERT_TRUE(engine->Create("again", plan).ok());
  ASSERT_TRUE(engine->AppendText("again", text).ok());
  const auto timeline = engine->Timeline("book", true);
  const auto wanted = engine->Timeline("again", true);
  ASSERT_TRUE(timeline.ok() && wanted.ok());
  ASSERT_GT(wanted->entries.size(), 5u);
  ASSERT_EQ(timeline->entries.size(), wanted->entries.size());
  for (size_t i = 0; i < wanted->entries.size(); ++i) {
    EXPECT_EQ(timeline->entries[i].record.vector,
              wanted->entries[i].record.vector);
  }
  // New streams get uids of their own.
  ASSERT_TRUE(engine->AppendText("empty", "no longer").ok());

  // The old store is still the old model's.
  const auto before = Start(&old_, kOld);
  EXPECT_EQ(before->DigestOf("book"), digest_of_book);
}

TEST_F(RebuildTest, NothingIsReplayedAfterIt) {
  {
    const auto engine = Start(&old_, kOld);
    ASSERT_TRUE(engine->Create("book").ok());
    ASSERT_TRUE(engine->AppendText("book", RandomText(500, &random_)).ok());
  }
  MemoryStore made;
  ASSERT_TRUE(RebuildAll(&made).ok());
  const StreamUid uid = made.FindStream("default", "book")->uid;
  const auto checkpoints = made.ListCheckpoints(uid, "generator");
  ASSERT_TRUE(checkpoints.ok());
  const auto engine = Start(&made, kNew);
  EXPECT_EQ(checkpoints->back().token_offset,
            engine->Get("book", true)->token_offset);
}

TEST_F(RebuildTest, WhatBeganAsAStateIsTold) {
  {
    const auto engine = Start(&old_, kOld);
    ASSERT_TRUE(engine->Create("book").ok());
    ASSERT_TRUE(engine->AppendText("book", "some text").ok());
    const auto file = engine->Export("book", AtHead());
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(engine->Import(*file, "imported").ok());
    ASSERT_TRUE(engine->Fork("imported", AtHead(), "imported.fork").ok());
  }
  MemoryStore none, made;
  const auto refused = RebuildAll(&none);
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status()));
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("imported, imported.fork"));
  RebuildOptions options;
  options.leave_imported_out = true;
  const auto report = RebuildAll(&made, options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->left_out, ElementsAre("imported", "imported.fork"));
  EXPECT_EQ(report->streams, 1);
}

TEST_F(RebuildTest, IdsOfAnotherTokenizerAreRefused) {
  {
    const auto engine = Start(&old_, kOld);
    ASSERT_TRUE(engine->Create("text").ok());
    ASSERT_TRUE(engine->AppendText("text", "text goes anywhere").ok());
  }
  MemoryStore with_bytes, none;
  const auto report = RebuildAll(&with_bytes, {}, "bytes");
  EXPECT_TRUE(report.ok()) << report.status();
  {
    const auto engine = Start(&old_, kOld);
    ASSERT_TRUE(engine->Create("ids").ok());
    ASSERT_TRUE(engine->AppendIds("ids", {300}).ok());
  }
  const auto refused = RebuildAll(&none, {}, "bytes");
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status()));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("token ids"));
}

}  // namespace
}  // namespace oxbow
