// A stream that goes on from an exported state is the stream it came from, bit
// for bit, for all that lies behind the point.
#include <memory>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/error_reason.h"
#include "engine/state_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

using ::testing::HasSubstr;

// Two servers of the same model.
class StateFileStreamTest : public testing::Test {
 protected:
  StateFileStreamTest() {
    Start(&here_, &here_store_);
    Start(&there_, &there_store_);
    EXPECT_TRUE(here_->Create("doc").ok());
    EXPECT_TRUE(here_->AppendText("doc", text_).ok());
  }

  static void Start(std::unique_ptr<SyncEngine>* engine, MemoryStore* store) {
    engine->reset();
    SyncEngine::Options options;
    options.engine.checkpoint_tokens = 16;
    auto started = SyncEngine::Start(options, store);
    ASSERT_TRUE(started.ok()) << started.status();
    *engine = *std::move(started);
  }

  // Takes the state at a byte over to the other server, as `name`.
  void Move(uint64_t byte, const std::string& name, EmbeddingPlan plan = {}) {
    const auto file = here_->Export("doc", AtByte(byte));
    ASSERT_TRUE(file.ok()) << file.status();
    const auto info = there_->Import(*file, name, plan);
    ASSERT_TRUE(info.ok()) << info.status();
    ASSERT_EQ(info->durable.byte_offset, byte);
  }

  std::mt19937_64 random_{7};
  const std::string text_ = RandomText(900, &random_);
  MemoryStore here_store_, there_store_;
  std::unique_ptr<SyncEngine> here_, there_;
};

TEST_F(StateFileStreamTest, AnyByteGoesOnExactly) {
  for (int round = 0; round < 100; ++round) {
    const size_t byte = random_() % (text_.size() + 1);
    const std::string name = absl::StrCat("s", round);
    ASSERT_NO_FATAL_FAILURE(Move(byte, name));
    const auto checkpoint = here_->Checkpoint("doc", AtByte(byte), "");
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    ASSERT_EQ(there_->DigestOf(name), ToHex(*checkpoint->state_digest))
        << "byte " << byte;
    ASSERT_TRUE(there_->AppendText(name, text_.substr(byte)).ok());
    ASSERT_EQ(there_->DigestOf(name), here_->DigestOf("doc")) << byte;
    ASSERT_TRUE(there_->Delete(name).ok());
  }
}

TEST_F(StateFileStreamTest, OffsetsGoOnAndThePastIsNotHere) {
  ASSERT_NO_FATAL_FAILURE(Move(500, "moved"));
  ASSERT_TRUE(there_->AppendText("moved", text_.substr(500)).ok());
  const auto info = there_->Get("moved");
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->token_offset, here_->Get("doc")->token_offset);
  EXPECT_LE(info->begin.byte_offset, 500u);
  EXPECT_GT(info->begin.byte_offset, 400u);
  for (const uint64_t byte : {510u, 700u, 900u}) {
    EXPECT_EQ(*there_->LastVector("moved", AtByte(byte)),
              *here_->LastVector("doc", AtByte(byte)));
  }
  const auto past = there_->LastVector("moved", AtByte(100));
  EXPECT_EQ(past.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReasonOf(past.status()), "BEFORE_IMPORT");
  EXPECT_THAT(std::string(past.status().message()),
              HasSubstr("was imported as a state at byte"));
  EXPECT_EQ(ReasonOf(there_->Fork("moved", AtToken(3), "f").status()),
            "BEFORE_IMPORT");
  EXPECT_EQ(*there_->Text("moved"), text_.substr(info->begin.byte_offset));
}

TEST_F(StateFileStreamTest, ForksAndRestartsAndSweepsKeepTheState) {
  ASSERT_NO_FATAL_FAILURE(Move(500, "moved"));
  ASSERT_TRUE(there_->Fork("moved", AtByte(500), "fork").ok());
  ASSERT_TRUE(there_->Delete("moved").ok());
  ASSERT_TRUE(there_store_.Sweep(absl::Now()).ok());
  Start(&there_, &there_store_);
  ASSERT_TRUE(there_->AppendText("fork", text_.substr(500)).ok());
  EXPECT_EQ(there_->DigestOf("fork"), here_->DigestOf("doc"));
  ASSERT_TRUE(there_->Fork("fork", AtByte(777), "second").ok());
  ASSERT_TRUE(there_->AppendText("second", text_.substr(777)).ok());
  EXPECT_EQ(there_->DigestOf("second"), here_->DigestOf("doc"));
  // An exported state of an imported stream is the same file.
  EXPECT_EQ(*there_->Export("second", AtHead()),
            *here_->Export("doc", AtHead()));
}

TEST_F(StateFileStreamTest, ATimelineBeginsAtTheImport) {
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  plan.tokens = 10;
  ASSERT_NO_FATAL_FAILURE(Move(500, "moved", plan));
  const uint64_t begin = there_->Get("moved")->begin.byte_offset;
  ASSERT_TRUE(there_->AppendText("moved", text_.substr(500)).ok());
  Start(&there_, &there_store_);
  ASSERT_TRUE(there_->AppendText("moved", "and more").ok());
  const auto timeline = there_->Timeline("moved", /*partial=*/true);
  ASSERT_TRUE(timeline.ok()) << timeline.status();
  ASSERT_GT(timeline->entries.size(), 5u);
  uint64_t end = begin;
  for (const TimelineEntry& entry : timeline->entries) {
    EXPECT_EQ(entry.record.byte_begin, end);
    end = entry.record.byte_end;
  }
  EXPECT_EQ(end, text_.size() + 8);
  EXPECT_EQ(timeline->entries[0].record.token_begin,
            DecodeStateFile(*here_->Export("doc", AtByte(500)))->token_offset);
}

TEST_F(StateFileStreamTest, ARetryFindsItsOwnWork) {
  const auto file = here_->Export("doc", AtByte(500));
  ASSERT_TRUE(there_->Import(*file, "moved").ok());
  ASSERT_TRUE(there_->AppendText("moved", "more").ok());
  const auto again = there_->Import(*file, "moved");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->durable.byte_offset, 504u);
  const auto other = here_->Export("doc", AtByte(501));
  EXPECT_EQ(ReasonOf(there_->Import(*other, "moved").status()),
            "STREAM_EXISTS");
}

TEST_F(StateFileStreamTest, WhatIsNoStateOfThisModelIsRefused) {
  const auto file = here_->Export("doc", AtHead());
  ASSERT_TRUE(file.ok());
  StateFile changed = *DecodeStateFile(*file);
  changed.model_id[0] ^= 1;
  EXPECT_EQ(ReasonOf(there_->Import(EncodeStateFile(changed), "a").status()),
            "MODEL_MISMATCH");
  changed = *DecodeStateFile(*file);
  changed.layout_id += "x";
  EXPECT_EQ(ReasonOf(there_->Import(EncodeStateFile(changed), "a").status()),
            "BAD_STATE_FILE");
  changed = *DecodeStateFile(*file);
  changed.state.resize(changed.state.size() - 4);
  EXPECT_EQ(ReasonOf(there_->Import(EncodeStateFile(changed), "a").status()),
            "BAD_STATE_FILE");
  changed = *DecodeStateFile(*file);
  changed.state.replace(0, 4, "\xff\xff\xff\x7f");  // a NaN
  EXPECT_EQ(ReasonOf(there_->Import(EncodeStateFile(changed), "a").status()),
            "BAD_STATE_FILE");
  EXPECT_EQ(ReasonOf(there_->Import("", "a").status()), "BAD_STATE_FILE");
  EXPECT_FALSE(there_->Get("a").ok());
}

// The state an imported stream began with cannot be made again from its log.
TEST_F(StateFileStreamTest, ALostStateIsSaidNotReplacedByZeros) {
  ASSERT_NO_FATAL_FAILURE(Move(500, "moved"));
  const StreamRecord record = *there_store_.FindStream("default", "moved");
  StoreBatch drop;
  drop.delete_checkpoints =
      *there_store_.ListCheckpoints(record.ancestry.front().uid, "generator");
  ASSERT_EQ(drop.delete_checkpoints.size(), 1u);
  Start(&there_, &there_store_);
  ASSERT_TRUE(there_store_.Write(drop, true).ok());
  const auto lost = there_->Get("moved", /*full=*/true);
  EXPECT_EQ(lost.status().code(), absl::StatusCode::kDataLoss) << lost.status();
}

}  // namespace
}  // namespace oxbow
