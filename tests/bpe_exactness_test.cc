// Same log, same state, bit for bit, where a word is several tokens: the text
// may be cut only where a unit ends, and checkpoints, forks and points of the
// past must know it.
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/error_reason.h"
#include "engine/tokenizer/testing/small_bpe.h"
#include "engine/tokenizer/tokenizer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "store/memory_store.h"
#include "tests/testing/nasty_text.h"
#include "tests/testing/random_text.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

// The small vocabulary, with a token of a new line and a space: two words, but
// where a text ends behind them they are one.
std::string WriteVocabulary() {
  nlohmann::json json = SmallBpe();
  nlohmann::json& model = json["model"];
  // Two of the added tokens are in the vocabulary.
  const size_t id = model["vocab"].size() + json["added_tokens"].size() - 2;
  model["vocab"]["\u010a\u0120"] = id;
  model["merges"].push_back("\u010a \u0120");
  const std::string path = testing::TempDir() + "/tokenizer.json";
  std::ofstream(path) << json.dump();
  return path;
}

class BpeExactnessTest : public testing::Test {
 protected:
  BpeExactnessTest() { Restart(); }

  // As a crash would.
  void Restart() {
    engine_.reset();
    SyncEngine::Options options;
    options.engine.checkpoint_tokens = 16;
    options.tokenizer = "hf:" + WriteVocabulary();
    auto started = SyncEngine::Start(options, &store_);
    ASSERT_TRUE(started.ok()) << started.status();
    engine_ = *std::move(started);
  }

  const Tokenizer& tokenizer() { return engine_->engine().tokenizer(); }
  std::string NewName() { return absl::StrCat("s", next_++); }

  // Long enough for checkpoints that are used: mixed from several texts.
  std::string LongText(size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += NastyText(random_() % 300, &random_);
    return text;
  }

  // A new stream of this text; some of them empty.
  std::string Fresh(const std::string& text) {
    const std::string name = NewName();
    EXPECT_TRUE(engine_->Create(name).ok());
    if (!text.empty()) {
      EXPECT_TRUE(engine_->AppendText(name, text).ok());
    }
    return name;
  }

  std::string FreshDigest(const std::string& text) {
    const std::string name = Fresh(text);
    const std::string digest = engine_->DigestOf(name);
    EXPECT_TRUE(engine_->Delete(name).ok());
    return digest;
  }

  MemoryStore store_;
  std::unique_ptr<SyncEngine> engine_;
  std::mt19937_64 random_{20261121};
  int next_ = 0;
};

TEST_F(BpeExactnessTest, ChunksAndCrashesDoNotMatter) {
  for (int round = 0; round < 12; ++round) {
    const std::string text = LongText(1 + random_() % 1500);
    const std::string expected = FreshDigest(text);
    ASSERT_EQ(expected.size(), 64u) << expected;
    const std::string name = NewName();
    ASSERT_TRUE(engine_->Create(name).ok());
    const size_t half = random_() % text.size();
    const auto cut = [&](const std::string& part) {
      if (part.empty()) return;
      const auto ack =
          engine_->AppendCut(name, part, RandomCuts(part.size(), &random_));
      ASSERT_TRUE(ack.ok()) << ack.status();
    };
    cut(text.substr(0, half));
    Restart();
    cut(text.substr(half));
    ASSERT_EQ(engine_->DigestOf(name), expected) << "round " << round;
    Restart();
    ASSERT_EQ(engine_->DigestOf(name), expected) << "round " << round;
  }
}

TEST_F(BpeExactnessTest, AnyByteOfThePastEqualsAFreshStream) {
  const std::string text = LongText(9000);
  const std::string doc = Fresh(text);
  for (int round = 0; round < 20; ++round) {
    const size_t byte = 1 + random_() % text.size();
    const std::string fresh = Fresh(text.substr(0, byte));
    const auto past = engine_->LastVector(doc, AtByte(byte));
    const auto head = engine_->LastVector(fresh, AtHead());
    ASSERT_TRUE(past.ok()) << past.status();
    ASSERT_TRUE(head.ok()) << head.status();
    ASSERT_EQ(*past, *head) << "byte " << byte;
    const auto checkpoint = engine_->Checkpoint(doc, AtByte(byte), "");
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    ASSERT_EQ(ToHex(*checkpoint->state_digest), engine_->DigestOf(fresh))
        << "byte " << byte;
    ASSERT_TRUE(engine_->Delete(fresh).ok());
  }
}

TEST_F(BpeExactnessTest, BehindACheckpointTheLastWordsMayBeOthers) {
  std::string text;
  while (text.size() < 600) text += "\n b";
  const std::string doc = Fresh(text);
  ASSERT_TRUE(engine_->LastVector(doc, AtHead()).ok());
  const auto checkpoints = engine_->ListCheckpoints(doc);
  ASSERT_TRUE(checkpoints.ok());
  int joined = 0;
  for (const CheckpointInfo& checkpoint : *checkpoints) {
    const uint64_t byte = checkpoint.position.byte_offset + 1;
    if (byte > text.size() || text[byte - 1] != ' ') continue;
    ++joined;
    const auto past = engine_->LastVector(doc, AtByte(byte));
    const auto head =
        engine_->LastVector(Fresh(text.substr(0, byte)), AtHead());
    ASSERT_TRUE(past.ok() && head.ok());
    ASSERT_EQ(*past, *head) << "byte " << byte;
    const std::string child = NewName();
    ASSERT_TRUE(engine_->Fork(doc, AtByte(byte), child).ok());
    ASSERT_TRUE(engine_->AppendText(child, "\nz").ok());
    ASSERT_EQ(engine_->DigestOf(child),
              FreshDigest(text.substr(0, byte) + "\nz"))
        << "byte " << byte;
  }
  EXPECT_GT(joined, 3);
}

TEST_F(BpeExactnessTest, AForkAtAnyByteStaysOpen) {
  const std::string text = LongText(7000);
  const std::string doc = Fresh(text);
  for (int round = 0; round < 20; ++round) {
    const size_t byte = random_() % (text.size() + 1);
    const std::string more = NastyText(1 + random_() % 60, &random_);
    const std::string child = NewName();
    ASSERT_TRUE(engine_->Fork(doc, AtByte(byte), child).ok());
    ASSERT_TRUE(engine_->AppendText(child, more).ok());
    ASSERT_EQ(engine_->DigestOf(child),
              FreshDigest(text.substr(0, byte) + more))
        << "byte " << byte;
    ASSERT_TRUE(engine_->Delete(child).ok());
  }
}

TEST_F(BpeExactnessTest, AForkAtATokenEndsAWordOrIsRefused) {
  int forked = 0, refused = 0;
  for (int round = 0; round < 40; ++round) {
    const std::string text = LongText(300);
    const std::string doc = Fresh(text);
    const std::vector<int> ids = Tokenize(tokenizer(), text);
    const size_t token = random_() % (engine_->Get(doc)->token_offset + 1);
    const std::string child = NewName();
    const auto fork = engine_->Fork(doc, AtToken(token), child);
    if (!fork.ok()) {
      ++refused;
      ASSERT_EQ(ReasonOf(fork.status()), "INSIDE_WORD") << fork.status();
      auto facts = FactsOf(fork.status());
      uint64_t before, after;
      ASSERT_TRUE(absl::SimpleAtoi(facts["token_before"], &before));
      ASSERT_TRUE(absl::SimpleAtoi(facts["token_after"], &after));
      ASSERT_LT(before, token);
      ASSERT_GT(after, token);
      ASSERT_TRUE(engine_->Fork(doc, AtToken(before), NewName()).ok());
      ASSERT_TRUE(engine_->Fork(doc, AtToken(after), NewName()).ok());
      continue;
    }
    ++forked;
    // The child's tokens are the parent's, then those of the new text alone.
    const std::string more = NastyText(1 + random_() % 30, &random_) + "z";
    ASSERT_TRUE(engine_->AppendText(child, more).ok());
    const auto seen = engine_->LastVector(child, AtHead());
    const std::string same = NewName();
    ASSERT_TRUE(engine_->Create(same).ok());
    std::vector<int> all(ids.begin(), ids.begin() + token);
    for (int id : Tokenize(tokenizer(), more)) all.push_back(id);
    ASSERT_TRUE(engine_->AppendIds(same, all).ok());
    const auto expected = engine_->LastVector(same, AtHead());
    ASSERT_TRUE(seen.ok() && expected.ok());
    ASSERT_EQ(*seen, *expected) << "round " << round << " token " << token;
    Restart();
    const auto again = engine_->LastVector(child, AtHead());
    ASSERT_TRUE(again.ok());
    ASSERT_EQ(*again, *expected) << "after a crash";
  }
  EXPECT_GT(forked, 8);
  EXPECT_GT(refused, 2);
}

TEST_F(BpeExactnessTest, CheckpointsStandWhereAWordEnds) {
  const std::string text = LongText(3000);
  const std::string doc = Fresh(text);
  ASSERT_TRUE(engine_->LastVector(doc, AtHead()).ok());
  std::vector<uint64_t> ends = {0};  // in tokens
  absl::string_view rest = text;
  std::vector<TextToken> tokens;
  while (const int bytes = tokenizer().Next(rest, true, &tokens)) {
    rest.remove_prefix(bytes);
    ends.push_back(tokens.size());
  }
  const auto checkpoints = engine_->ListCheckpoints(doc);
  ASSERT_TRUE(checkpoints.ok());
  ASSERT_GT(checkpoints->size(), 3u);
  for (const CheckpointInfo& checkpoint : *checkpoints) {
    // The first end at or behind a multiple of 16.
    const auto end = std::lower_bound(ends.begin(), ends.end(),
                                      checkpoint.token_offset / 16 * 16);
    EXPECT_EQ(checkpoint.token_offset, *end);
  }
}

TEST_F(BpeExactnessTest, SpansOfFewTokensEndInsideWords) {
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  plan.tokens = 3;
  const std::string text = LongText(1200);
  ASSERT_TRUE(engine_->Create("whole", plan).ok());
  ASSERT_TRUE(engine_->AppendText("whole", text).ok());
  const auto whole = engine_->Timeline("whole", false);
  ASSERT_TRUE(whole.ok()) << whole.status();
  ASSERT_GT(whole->entries.size(), 50u);
  ASSERT_TRUE(whole->at_end);
  ASSERT_TRUE(engine_->Create("cut", plan).ok());
  size_t done = 0;
  for (size_t size : RandomCuts(text.size(), &random_)) {
    ASSERT_TRUE(engine_->AppendText("cut", text.substr(done, size)).ok());
    done += size;
    if (random_() % 10 == 0) Restart();
  }
  const auto cut = engine_->Timeline("cut", false);
  ASSERT_TRUE(cut.ok()) << cut.status();
  ASSERT_EQ(cut->entries.size(), whole->entries.size());
  for (size_t i = 0; i < cut->entries.size(); ++i) {
    ASSERT_EQ(cut->entries[i].record.byte_end,
              whole->entries[i].record.byte_end)
        << i;
    ASSERT_EQ(cut->entries[i].record.vector, whole->entries[i].record.vector)
        << i;
  }
}

}  // namespace
}  // namespace oxbow
