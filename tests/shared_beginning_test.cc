// Streams that begin alike: what one computed the next ones take over, and are
// the same bits as if they had computed it.
#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

constexpr int kBorder = 16;

EmbeddingPlan Every(int tokens) {
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  plan.tokens = tokens;
  return plan;
}

std::string ToText(const EmbeddingRecord& span) {
  return absl::StrCat(span.token_begin, "-", span.token_end, " ",
                      span.byte_begin, "-", span.byte_end, " ",
                      absl::StrJoin(span.vector, ","));
}

// An engine over a store, which counts what it reads. Shares or computes.
class Served {
 public:
  Served(bool shares, bool has_two, int seats = 64)
      : shares_(shares), has_two_(has_two), seats_(seats) {
    Restart();
  }

  // As a crash would.
  void Restart() {
    engine_.reset();
    SyncEngine::Options options;
    options.engine.checkpoint_tokens = kBorder;
    options.engine.share_beginnings = shares_;
    options.engine.limits.open_streams_max = seats_;
    options.engine.turn_tokens = 3 * kBorder;
    options.tokens_read = &tokens_read_;
    if (has_two_) options.embedder_path = WriteTestModel(true);
    auto started = SyncEngine::Start(options, &store_);
    ASSERT_TRUE(started.ok()) << started.status();
    engine_ = *std::move(started);
  }

  // Tokens read to append `text` to a new stream.
  int64_t Write(const std::string& name, const std::string& text,
                const std::vector<size_t>& cuts = {}, EmbeddingPlan plan = {}) {
    EXPECT_TRUE(engine_->Create(name, std::move(plan)).ok());
    return Append(name, text, cuts);
  }
  int64_t Append(const std::string& name, const std::string& text,
                 const std::vector<size_t>& cuts = {}) {
    const int64_t before = tokens_read_;
    const auto ack = engine_->AppendCut(name, text, cuts);
    EXPECT_TRUE(ack.ok()) << ack.status();
    return tokens_read_ - before;
  }
  // Each span as text, once the last one is stored: what was applied may be on
  // its way there.
  std::vector<std::string> Spans(const std::string& name, int plan_tokens) {
    const size_t wanted =
        std::min<size_t>(1000, engine_->Get(name)->token_offset / plan_tokens);
    std::vector<std::string> spans;
    for (int i = 0; i < 1000 && spans.size() < wanted; ++i) {
      if (i > 0) absl::SleepFor(absl::Milliseconds(10));
      spans.clear();
      const auto reply = engine_->Timeline(name, /*partial=*/false);
      EXPECT_TRUE(reply.ok()) << reply.status();
      if (!reply.ok()) return {};
      for (const TimelineEntry& entry : reply->entries) {
        spans.push_back(ToText(entry.record));
      }
    }
    return spans;
  }

  SyncEngine* operator->() { return engine_.get(); }
  StreamStore& store() { return store_; }

 private:
  const bool shares_;
  const bool has_two_;
  const int seats_;
  std::atomic<int64_t> tokens_read_{0};
  MemoryStore store_;
  std::unique_ptr<SyncEngine> engine_;
};

// With one model, or with two.
class SharedBeginningTest : public testing::TestWithParam<bool> {
 protected:
  int readers() const { return GetParam() ? 2 : 1; }

  // What a stream of this text is when it is computed.
  std::string Digest(const std::string& text) {
    const std::string name = absl::StrCat("d", next_++);
    alone_.Write(name, text);
    return alone_->DigestOf(name);
  }
  std::vector<std::string> Spans(const std::string& text, int plan_tokens) {
    const std::string name = absl::StrCat("d", next_++);
    alone_.Write(name, text, {}, Every(plan_tokens));
    return alone_.Spans(name, plan_tokens);
  }

  // More than is read of `all` if it was computed before. Next to nothing, but
  // a store that is slower than these small models leaves checkpoints out, and
  // what follows the last one is read again.
  static int64_t Little(int64_t all) { return all / 2; }

  Served served_{/*shares=*/true, GetParam()};
  Served alone_{/*shares=*/false, GetParam()};
  std::mt19937_64 random_{20261123};
  int next_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Models, SharedBeginningTest, testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "Two" : "One";
                         });

TEST_P(SharedBeginningTest, TheSecondTimeNextToNothingIsRead) {
  const std::string text = RandomText(20000, &random_);
  const std::string digest = Digest(text);
  const int64_t first = served_.Write("first", text);
  EXPECT_EQ(served_->DigestOf("first"), digest);
  for (int round = 0; round < 5; ++round) {
    const std::string name = absl::StrCat("again", round);
    EXPECT_LT(served_.Write(name, text), Little(first)) << round;
    EXPECT_EQ(served_->DigestOf(name), digest);
    EXPECT_EQ(*served_->Text(name), text);
    // What was not read is the stream's own all the same.
    EXPECT_GE(served_->ListCheckpoints(name)->size(),
              served_->ListCheckpoints("first")->size() / 2);
    EXPECT_EQ(*served_->LastVector(name, AtByte(text.size() / 2)),
              *served_->LastVector("first", AtByte(text.size() / 2)));
    served_.Restart();
    EXPECT_EQ(served_->DigestOf(name), digest);
  }
}

TEST_P(SharedBeginningTest, CutsMayDiffer) {
  const std::string text = RandomText(6000, &random_);
  const std::string digest = Digest(text);
  const int64_t first =
      served_.Write("first", text, RandomCuts(text.size(), &random_));
  int64_t again = 0;
  for (int round = 0; round < 8; ++round) {
    const std::string name = absl::StrCat("again", round);
    again += served_.Write(name, text, RandomCuts(text.size(), &random_));
    EXPECT_EQ(served_->DigestOf(name), digest);
  }
  // Small chunks may be read before their border has come.
  EXPECT_LT(again, 8 * first);
}

TEST_P(SharedBeginningTest, WhatDiffersIsRead) {
  const std::string common = RandomText(8000, &random_);
  ASSERT_GT(served_.Write("first", common + RandomText(8000, &random_)), 0);
  const std::string text = common + RandomText(8000, &random_);
  const std::string digest = Digest(text);
  const int64_t all = served_.Write("all", RandomText(16000, &random_));
  const int64_t half = served_.Write("half", text);
  EXPECT_EQ(served_->DigestOf("half"), digest);
  EXPECT_GT(half, all / 4);
  EXPECT_LT(half, all * 3 / 4);
  // And it is there for the next.
  EXPECT_LT(served_.Write("again", text), Little(all));
  EXPECT_EQ(served_->DigestOf("again"), digest);
}

TEST_P(SharedBeginningTest, TimelinesOfOnePlanAreShared) {
  const std::string text = RandomText(8000, &random_);
  for (int tokens : {5, 16, 50, 700}) {
    const EmbeddingPlan plan = Every(tokens);
    const auto spans = Spans(text, tokens);
    ASSERT_FALSE(spans.empty());
    const std::string first = absl::StrCat("first", tokens);
    const int64_t all = served_.Write(first, text, {}, plan);
    EXPECT_EQ(served_.Spans(first, tokens), spans);
    const std::string again = absl::StrCat("again", tokens);
    // The open span is read again.
    EXPECT_LT(served_.Write(again, text, {}, plan), Little(all) + 2 * tokens);
    EXPECT_EQ(served_.Spans(again, tokens), spans);
    EXPECT_EQ(served_->DigestOf(again), served_->DigestOf(first));
    served_.Restart();
    EXPECT_EQ(served_.Spans(again, tokens), spans);
    served_.Append(again, text);
    served_.Append(first, text);
    EXPECT_EQ(served_.Spans(again, tokens), served_.Spans(first, tokens));
    EXPECT_EQ(served_->DigestOf(again), served_->DigestOf(first));
  }
}

TEST_P(SharedBeginningTest, ATimelineOfAnotherPlanIsComputed) {
  const std::string text = RandomText(4000, &random_);
  const int64_t all = served_.Write("first", text, {}, Every(10));
  const int64_t again = served_.Write("again", text, {}, Every(20));
  EXPECT_EQ(served_.Spans("again", 20), Spans(text, 20));
  EXPECT_EQ(served_->DigestOf("again"), Digest(text));
  // With one model the timeline's reader is the only one.
  EXPECT_GT(again, readers() == 1 ? Little(all) : Little(Little(all)));
  // Who makes no timeline can use the states of one who does.
  EXPECT_LT(served_.Write("none", text), Little(all));
  EXPECT_EQ(served_->DigestOf("none"), Digest(text));
}

TEST_P(SharedBeginningTest, NothingIsSharedBetweenTenants) {
  const std::string text = RandomText(4000, &random_);
  served_.Write("first", text);
  served_->set_tenant("another");
  EXPECT_GT(served_.Write("first", text), 10 * kBorder);
  EXPECT_EQ(served_->DigestOf("first"), Digest(text));
}

TEST_P(SharedBeginningTest, TheFirstMayGo) {
  const std::string text = RandomText(4000, &random_);
  const std::string digest = Digest(text);
  const int64_t all = served_.Write("first", text);
  EXPECT_LT(served_.Write("second", text), Little(all));
  ASSERT_TRUE(served_->Delete("first").ok());
  ASSERT_TRUE(served_.store().Sweep(absl::Now()).ok());
  EXPECT_LT(served_.Write("third", text), Little(all));
  EXPECT_EQ(served_->DigestOf("third"), digest);
  served_.Restart();
  EXPECT_EQ(served_->DigestOf("second"), digest);
  EXPECT_EQ(served_->DigestOf("third"), digest);
}

TEST_P(SharedBeginningTest, AnImportedStateNeitherGivesNorTakes) {
  const std::string common = RandomText(1000, &random_);
  const std::string text = RandomText(3000, &random_);
  served_.Write("first", common);
  ASSERT_TRUE(
      served_->Import(*served_->Export("first", AtHead()), "import").ok());
  served_.Append("first", text);
  EXPECT_GT(served_.Append("import", text), 10 * kBorder);
  // Nor does the import's mark count for others.
  ASSERT_TRUE(served_->Delete("first").ok());
  ASSERT_TRUE(served_.store().Sweep(absl::Now()).ok());
  EXPECT_GT(served_.Write("again", common + text), 10 * kBorder);
  EXPECT_EQ(served_->DigestOf("again"), Digest(common + text));
}

// Streams that share beginnings of all lengths, grow in turns, fork and are
// gone on with after crashes.
TEST_P(SharedBeginningTest, EveryStreamIsWhatItsTextSays) {
  const EmbeddingPlan plan = Every(20);
  std::vector<std::string> books;
  for (int i = 0; i < 3; ++i) books.push_back(RandomText(1500, &random_));
  books[1] = books[0].substr(0, 700) + books[1];
  std::vector<std::pair<std::string, std::string>> streams;  // name, text
  for (int round = 0; round < 60; ++round) {
    const std::string& book = books[random_() % books.size()];
    const std::string text = book.substr(0, random_() % book.size());
    const std::string name = absl::StrCat("s", round);
    const int what = random_() % 4;
    if (what == 0 && !streams.empty()) {
      auto& [old, had] = streams[random_() % streams.size()];
      served_.Append(old, text, RandomCuts(text.size(), &random_));
      had += text;
    } else if (what == 1 && !streams.empty()) {
      const auto [old, had] = streams[random_() % streams.size()];
      const uint64_t byte = random_() % (had.size() + 1);
      ASSERT_TRUE(served_->Fork(old, AtByte(byte), name).ok());
      served_.Append(name, text, RandomCuts(text.size(), &random_));
      streams.emplace_back(name, had.substr(0, byte) + text);
    } else {
      served_.Write(name, text, RandomCuts(text.size(), &random_), plan);
      streams.emplace_back(name, text);
    }
    if (random_() % 6 == 0) served_.Restart();
    if (random_() % 9 == 0) served_->Drain(), served_.Restart();
  }
  for (const auto& [name, text] : streams) {
    EXPECT_EQ(served_->DigestOf(name), Digest(text)) << name;
    EXPECT_EQ(served_.Spans(name, 20), Spans(text, 20)) << name;
  }
}

// While they follow each other, they lose their seats and come again.
TEST_P(SharedBeginningTest, FewSeatsAndManyWritersAtOnce) {
  Served crowded(/*shares=*/true, GetParam(), /*seats=*/2);
  const EmbeddingPlan plan = Every(20);
  const std::string common = RandomText(3000, &random_);
  constexpr int kWriters = 8;
  std::vector<std::string> texts;
  for (int i = 0; i < kWriters; ++i) {
    texts.push_back(common.substr(0, 1500 + 200 * i) +
                    RandomText(500, &random_));
  }
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&crowded, &texts, plan, i]() {
      std::mt19937_64 random(i);
      const std::string name = absl::StrCat("w", i);
      crowded.Write(name, texts[i], RandomCuts(texts[i].size(), &random), plan);
    });
  }
  for (std::thread& writer : writers) writer.join();
  for (int i = 0; i < kWriters; ++i) {
    const std::string name = absl::StrCat("w", i);
    EXPECT_EQ(crowded->DigestOf(name), Digest(texts[i])) << name;
    EXPECT_EQ(crowded.Spans(name, 20), Spans(texts[i], 20)) << name;
  }
}

}  // namespace
}  // namespace oxbow
