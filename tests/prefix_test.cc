// A stream whose embedder reads a prefix first: the same states as if the
// prefix were the beginning of its text, whatever the chunks, crashes, forks.
#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/error_reason.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

EmbeddingPlan Prefixed(const std::string& prefix, int every_tokens = 0) {
  EmbeddingPlan plan;
  plan.prefix = prefix;
  if (every_tokens > 0) plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  plan.tokens = every_tokens;
  return plan;
}

// With one model, which embeds and whose digests are told, or with two.
class PrefixTest : public testing::TestWithParam<bool> {
 protected:
  PrefixTest() { Restart(); }

  bool has_two() const { return GetParam(); }

  // As a crash would.
  void Restart() {
    engine_.reset();
    SyncEngine::Options options;
    options.engine.checkpoint_tokens = 16;
    options.model_path = WriteTestModel(!has_two());
    if (has_two()) options.embedder_path = WriteTestModel(true);
    auto started = SyncEngine::Start(options, &store_);
    ASSERT_TRUE(started.ok()) << started.status();
    engine_ = *std::move(started);
  }

  std::string Make(const std::string& prefix, const std::string& text,
                   const std::vector<size_t>& cuts = {}) {
    const std::string name = absl::StrCat("s", next_++);
    EXPECT_TRUE(engine_->Create(name, Prefixed(prefix)).ok());
    if (!text.empty()) {
      EXPECT_TRUE(engine_->AppendCut(name, text, cuts).ok());
    }
    return name;
  }

  // The embedder's vector at a point, bit for bit.
  std::vector<float> Vector(const std::string& stream, At at = AtHead()) {
    EmbedRequest request;
    request.name.emplace();
    request.name->stream = stream;
    request.at = at;
    request.pooling = Pooling::kHead;
    request.normalize = false;
    const auto reply = engine_->Embed(request);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? reply->vectors[0] : std::vector<float>();
  }

  MemoryStore store_;
  std::unique_ptr<SyncEngine> engine_;
  std::mt19937_64 random_{20261122};
  int next_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Models, PrefixTest, testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "Two" : "One";
                         });

TEST_P(PrefixTest, IsReadAsTheBeginningOfTheText) {
  for (int round = 0; round < 30; ++round) {
    const std::string prefix = RandomText(1 + round * 2, &random_);
    const std::string text = RandomText(round * 3, &random_);
    const std::string stream = Make(prefix, text);
    const std::string whole = Make("", prefix + text);
    EXPECT_EQ(Vector(stream), Vector(whole));
    EXPECT_NE(Vector(stream), Vector(Make("", text)));
    const uint64_t byte = random_() % (text.size() + 1);
    EXPECT_EQ(Vector(stream, AtByte(byte)),
              Vector(whole, AtByte(prefix.size() + byte)));
    // In no offset, and not in the log.
    EXPECT_EQ(*engine_->Text(stream), text);
    const StreamInfo info = *engine_->Get(stream);
    EXPECT_EQ(info.durable.byte_offset, text.size());
    EXPECT_LE(info.undecided_bytes, text.size());
    EXPECT_LE(info.token_offset, text.size());
    EXPECT_EQ(info.plan.prefix, prefix);
  }
}

TEST_P(PrefixTest, ChunksCrashesAndForksDoNotMatter) {
  const std::string prefix = RandomText(70, &random_);
  const std::string text = RandomText(400, &random_);
  const std::string fresh = Make(prefix, text);
  const std::string digest = engine_->DigestOf(fresh);
  const std::vector<float> vector = Vector(fresh);
  ASSERT_EQ(digest.size(), 64u) << digest;
  // Digests are the generator's: only if it embeds, a prefix is in them.
  EXPECT_EQ(engine_->DigestOf(Make("", text)) == digest, has_two());
  EXPECT_EQ(engine_->DigestOf(Make("other", text)) == digest, has_two());
  for (int round = 0; round < 12; ++round) {
    const size_t cut = round < 2 ? round : random_() % text.size();
    std::string stream =
        Make(prefix, text.substr(0, cut), RandomCuts(cut, &random_));
    if (round % 3 == 0) {
      ASSERT_TRUE(engine_->Checkpoint(stream, AtHead(), "here").ok());
    }
    if (round % 4 == 0) engine_->Drain();
    if (round % 2 == 0) Restart();
    if (round % 3 == 1) {
      const uint64_t byte = random_() % (cut + 1);
      const std::string fork = absl::StrCat("fork", round);
      ASSERT_TRUE(engine_->Fork(stream, AtByte(byte), fork).ok());
      EXPECT_EQ(engine_->Get(fork)->plan.prefix, prefix);
      ASSERT_TRUE(engine_->AppendText(fork, text.substr(byte)).ok());
      stream = fork;
    } else {
      ASSERT_TRUE(engine_->AppendText(stream, text.substr(cut)).ok());
    }
    EXPECT_EQ(engine_->DigestOf(stream), digest) << round;
    EXPECT_EQ(Vector(stream), vector) << round;
    // What went through is what is replayed.
    Restart();
    EXPECT_EQ(engine_->DigestOf(stream), digest) << round;
    EXPECT_EQ(Vector(stream), vector) << round;
    EXPECT_EQ(Vector(fresh, AtByte(cut)), Vector(stream, AtByte(cut)));
  }
}

TEST_P(PrefixTest, TokensOfTheStreamAreCountedWithoutIt) {
  const std::string prefix = RandomText(30, &random_);
  const std::string text = RandomText(200, &random_);
  const std::string stream = Make(prefix, text);
  const uint64_t tokens = engine_->Get(stream)->token_offset;
  std::vector<std::vector<float>> seen;
  for (uint64_t token = 1; token <= tokens; ++token) {
    EmbedRequest request;
    request.name.emplace();
    request.name->stream = stream;
    request.at = AtToken(token);
    const auto reply = engine_->Embed(request);
    ASSERT_TRUE(reply.ok()) << token << reply.status();
    EXPECT_EQ(reply->point.token_offset, token);
    seen.push_back(reply->vectors[0]);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
}

TEST_P(PrefixTest, TheTimelineIsThatOfTheTextBehindIt) {
  const std::string prefix = RandomText(50, &random_);
  const std::string text = RandomText(300, &random_);
  std::vector<TimelineEntry> first;
  for (bool crash : {false, true}) {
    const std::string stream = absl::StrCat("t", crash);
    ASSERT_TRUE(engine_->Create(stream, Prefixed(prefix, 7)).ok());
    ASSERT_TRUE(engine_->AppendText(stream, text.substr(0, 100)).ok());
    if (crash) Restart();
    ASSERT_TRUE(engine_->AppendText(stream, text.substr(100)).ok());
    const auto timeline = engine_->Timeline(stream, /*partial=*/true);
    ASSERT_TRUE(timeline.ok()) << timeline.status();
    const std::vector<TimelineEntry>& entries = timeline->entries;
    ASSERT_GT(entries.size(), 5u);
    EXPECT_EQ(entries[0].record.token_begin, 0u);
    EXPECT_EQ(entries[0].record.byte_begin, 0u);
    EXPECT_EQ(entries[0].record.token_end, 7u);
    EXPECT_EQ(entries.back().record.byte_end, text.size());
    if (!crash) {
      first = entries;
      continue;
    }
    ASSERT_EQ(entries.size(), first.size());
    for (size_t i = 0; i < entries.size(); ++i) {
      EXPECT_EQ(entries[i].record.vector, first[i].record.vector) << i;
      EXPECT_EQ(entries[i].record.byte_end, first[i].record.byte_end) << i;
    }
  }
}

TEST_P(PrefixTest, AnImportBeginsWithItOnlyForAnEmbedderOfItsOwn) {
  const std::string stream = Make("", "some text to begin with");
  const std::string file = *engine_->Export(stream, AtHead());
  const auto imported = engine_->Import(file, "i", Prefixed("Document: "));
  if (!has_two()) {
    EXPECT_EQ(ReasonOf(imported.status()), "BAD_PLAN");
    return;
  }
  ASSERT_TRUE(imported.ok()) << imported.status();
  ASSERT_TRUE(engine_->AppendText("i", " and more").ok());
  const std::vector<float> vector = Vector("i");
  Restart();
  EXPECT_EQ(Vector("i"), vector);
  ASSERT_TRUE(engine_->Import(file, "j").ok());
  ASSERT_TRUE(engine_->AppendText("j", " and more").ok());
  EXPECT_NE(Vector("j"), vector);
}

TEST_P(PrefixTest, AFileOfAHalfReadPrefixIsRefused) {
  const std::string stream = Make("a b ", "");
  const auto file = engine_->Export(stream, AtHead());
  EXPECT_EQ(file.ok(), has_two());
  EXPECT_EQ(ReasonOf(file.status()), has_two() ? "" : "EMPTY_STREAM");
}

TEST_P(PrefixTest, RetriesAndForksMustNameTheSame) {
  EXPECT_TRUE(engine_->Create("r", Prefixed("p")).ok());
  EXPECT_TRUE(engine_->Create("r", Prefixed("p")).ok());
  EXPECT_EQ(ReasonOf(engine_->Create("r", Prefixed("q")).status()),
            "STREAM_EXISTS");
  EXPECT_EQ(ReasonOf(engine_->Create("r").status()), "STREAM_EXISTS");
  EXPECT_EQ(
      ReasonOf(engine_->Create("l", Prefixed(std::string(4097, 'p'))).status()),
      "BAD_PLAN");
  EXPECT_TRUE(engine_->Create("l", Prefixed(std::string(4096, 'p'))).ok());
}

TEST(NoEmbedderTest, APlainModelReadsNoPrefix) {
  MemoryStore store;
  SyncEngine::Options options;
  const auto engine = *SyncEngine::Start(options, &store);
  EXPECT_EQ(ReasonOf(engine->Create("r", Prefixed("p")).status()),
            "NO_EMBEDDER");
}

}  // namespace
}  // namespace oxbow
