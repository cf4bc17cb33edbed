// Same log, same state, bit for bit: whatever the version of RWKV, the chunks,
// the batch mates, the threads, the crashes, the forks.
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/soak.h"
#include "engine/tokenizer/tokenizer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

class ExactnessTest : public testing::Test {
 protected:
  explicit ExactnessTest(std::string version = "7")
      : version_(std::move(version)) {
    Restart(1);
  }

  // Ends the engine without a drain, as a crash would, and starts another
  // over the same store.
  void Restart(int threads) {
    engine_.reset();
    SyncEngine::Options options;
    options.threads = threads;
    options.engine.checkpoint_tokens = 16;
    options.model_path = WriteTestModel(false, version_);
    auto started = SyncEngine::Start(options, &store_);
    ASSERT_TRUE(started.ok()) << started.status();
    engine_ = *std::move(started);
  }

  std::string NewName() { return absl::StrCat("s", next_++); }

  // The digest of a fresh stream of this text, in one chunk.
  std::string FreshDigest(const std::string& text) {
    const std::string name = NewName();
    EXPECT_TRUE(engine_->Create(name).ok());
    if (!text.empty()) {
      const auto ack = engine_->AppendText(name, text);
      EXPECT_TRUE(ack.ok()) << ack.status();
    }
    const std::string digest = engine_->DigestOf(name);
    EXPECT_TRUE(engine_->Delete(name).ok());
    return digest;
  }

  const std::string version_;
  MemoryStore store_;
  std::unique_ptr<SyncEngine> engine_;
  std::mt19937_64 random_{SoakSeed(20261121)};
  int next_ = 0;
};

// How much of it: RWKV-7 gets most.
struct Work {
  std::string version;
  size_t text_bytes;
  int rounds;
  int forks;
};

class EveryVersionTest : public ExactnessTest,
                         public testing::WithParamInterface<Work> {
 protected:
  EveryVersionTest() : ExactnessTest(GetParam().version) {}
};

TEST_P(EveryVersionTest, ChunksMatesThreadsAndCrashesDoNotMatter) {
  const std::string text = RandomText(GetParam().text_bytes, &random_);
  const std::string expected = FreshDigest(text);
  ASSERT_EQ(expected.size(), 64u) << expected;
  for (int round = 0; round < Soaked(GetParam().rounds); ++round) {
    if (round % 5 == 4) Restart(1 + round / 5 % 3);
    // Four streams at once: mates of one another.
    std::vector<std::string> names;
    std::vector<std::vector<size_t>> cuts;
    for (int i = 0; i < 4; ++i) {
      names.push_back(NewName());
      ASSERT_TRUE(engine_->Create(names.back()).ok());
      cuts.push_back(RandomCuts(text.size(), &random_));
    }
    std::vector<std::thread> writers;
    for (int i = 0; i < 4; ++i) {
      writers.emplace_back([&, i]() {
        const auto ack = engine_->AppendCut(names[i], text, cuts[i]);
        EXPECT_TRUE(ack.ok()) << ack.status();
      });
    }
    for (std::thread& writer : writers) writer.join();
    for (const std::string& name : names) {
      ASSERT_EQ(engine_->DigestOf(name), expected) << "round " << round;
    }
  }
}

// Every place: inside characters, and inside the longest pieces.
TEST_P(EveryVersionTest, ACutAtAnyByteDoesNotMatter) {
  const Tokenizer& tokenizer = engine_->engine().tokenizer();
  std::string text = "\xc3\xa9";
  for (int id = 0; id < engine_->engine().generator_info().vocabulary_size;
       ++id) {
    const absl::string_view piece = tokenizer.Piece(id);
    if (piece.size() == static_cast<size_t>(tokenizer.longest_piece()) &&
        text.size() < 120) {
      absl::StrAppend(&text, piece, "\xc3\xa9");
    }
  }
  const std::string expected = FreshDigest(text);
  for (size_t cut = 1; cut < text.size(); ++cut) {
    const std::string name = NewName();
    ASSERT_TRUE(engine_->Create(name).ok());
    ASSERT_TRUE(engine_->AppendCut(name, text, {cut}).ok());
    ASSERT_EQ(engine_->DigestOf(name), expected) << "cut at byte " << cut;
    ASSERT_TRUE(engine_->Delete(name).ok());
  }
}

TEST_P(EveryVersionTest, AForkAtAnyByteStaysOpen) {
  const std::string text = RandomText(800, &random_);
  ASSERT_TRUE(engine_->Create("doc").ok());
  ASSERT_TRUE(engine_->AppendText("doc", text).ok());
  const std::string parent = engine_->DigestOf("doc");
  for (int round = 0; round < GetParam().forks; ++round) {
    if (round == GetParam().forks / 2) Restart(2);
    // 0 as well: the state before the first token.
    const size_t byte = round == 0 ? 0 : random_() % (text.size() + 1);
    const std::string start = text.substr(0, byte);
    const std::string more = RandomText(1 + random_() % 60, &random_);
    const std::string child = NewName();
    ASSERT_TRUE(engine_->Fork("doc", AtByte(byte), child).ok());
    ASSERT_EQ(engine_->DigestOf(child), FreshDigest(start)) << "byte " << byte;
    ASSERT_TRUE(engine_->AppendText(child, more).ok());
    ASSERT_EQ(engine_->DigestOf(child), FreshDigest(start + more))
        << "byte " << byte;
    ASSERT_TRUE(engine_->Delete(child).ok());
  }
  EXPECT_EQ(engine_->DigestOf("doc"), parent);
}

INSTANTIATE_TEST_SUITE_P(
    All, EveryVersionTest,
    testing::Values(Work{"4", 700, 36, 40}, Work{"5.0", 700, 36, 40},
                    Work{"5.1", 700, 36, 40}, Work{"5.2", 700, 36, 40},
                    Work{"6", 700, 36, 40}, Work{"7", 1500, 36, 200}),
    [](const auto& info) {
      return "Rwkv" + absl::StrReplaceAll(info.param.version, {{".", "_"}});
    });

TEST_F(ExactnessTest, AnyByteOfThePastEqualsAFreshStream) {
  const std::string text = RandomText(1200, &random_);
  ASSERT_TRUE(engine_->Create("doc").ok());
  ASSERT_TRUE(engine_->AppendText("doc", text).ok());
  for (int round = 0; round < 200; ++round) {
    const size_t byte = 1 + random_() % text.size();
    const std::string fresh = NewName();
    ASSERT_TRUE(engine_->Create(fresh).ok());
    ASSERT_TRUE(engine_->AppendText(fresh, text.substr(0, byte)).ok());
    const auto past = engine_->LastVector("doc", AtByte(byte));
    const auto head = engine_->LastVector(fresh, AtHead());
    ASSERT_TRUE(past.ok()) << past.status();
    ASSERT_TRUE(head.ok()) << head.status();
    ASSERT_EQ(*past, *head) << "byte " << byte;
    // The state with its end open, too.
    const auto checkpoint = engine_->Checkpoint("doc", AtByte(byte), "");
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    ASSERT_EQ(ToHex(*checkpoint->state_digest), engine_->DigestOf(fresh))
        << "byte " << byte;
    ASSERT_TRUE(engine_->Delete(fresh).ok());
  }
}

TEST_F(ExactnessTest, AForkAtATokenEndsItThere) {
  const std::string text = RandomText(400, &random_);
  ASSERT_TRUE(engine_->Create("doc").ok());
  ASSERT_TRUE(engine_->AppendText("doc", text).ok());
  const std::vector<int> ids = Tokenize(engine_->engine().tokenizer(), text);
  const auto info = engine_->Get("doc");
  for (int round = 0; round < 50; ++round) {
    const size_t token = random_() % (info->token_offset + 1);
    const std::string more = RandomText(30, &random_);
    const std::string child = NewName(), fresh = NewName();
    ASSERT_TRUE(engine_->Fork("doc", AtToken(token), child).ok());
    ASSERT_TRUE(engine_->AppendText(child, more).ok());
    ASSERT_TRUE(engine_->Create(fresh).ok());
    if (token > 0) {
      ASSERT_TRUE(
          engine_->AppendIds(fresh, {ids.begin(), ids.begin() + token}).ok());
    }
    ASSERT_TRUE(engine_->AppendText(fresh, more).ok());
    ASSERT_EQ(engine_->DigestOf(child), engine_->DigestOf(fresh));
    ASSERT_TRUE(engine_->Delete(child).ok());
    ASSERT_TRUE(engine_->Delete(fresh).ok());
  }
}

// A stream as a list of what was appended to it.
struct Content {
  struct Piece {
    std::string text;
    std::vector<int> ids;
  };
  std::vector<Piece> pieces;
  size_t bytes = 0;

  void Add(const Piece& piece, const Tokenizer& tokenizer) {
    pieces.push_back(piece);
    bytes += piece.text.size() + Detokenize(tokenizer, piece.ids).size();
  }
  // The first `byte` bytes; false if they end inside an id.
  bool Prefix(size_t byte, const Tokenizer& tokenizer, Content* prefix) const {
    for (const Piece& piece : pieces) {
      Piece cut;
      for (int id : piece.ids) {
        const size_t size = tokenizer.Piece(id).size();
        // Ids of no bytes that stand at the cut come after it.
        if (prefix->bytes + Detokenize(tokenizer, cut.ids).size() == byte) {
          break;
        }
        if (prefix->bytes + Detokenize(tokenizer, cut.ids).size() + size >
            byte) {
          return false;
        }
        cut.ids.push_back(id);
      }
      cut.text = piece.text.substr(0, byte - prefix->bytes);
      if (!cut.text.empty() || !cut.ids.empty()) prefix->Add(cut, tokenizer);
      if (prefix->bytes == byte) return true;
    }
    return prefix->bytes == byte;
  }
};

class ForkTreeTest : public ExactnessTest {
 protected:
  Content::Piece RandomPiece() {
    Content::Piece piece;
    if (random_() % 3 > 0) {
      piece.text = RandomText(1 + random_() % 90, &random_);
    } else {
      for (int i = random_() % 12; i >= 0; --i) {
        piece.ids.push_back(random_() % 460);  // 0 has no bytes
      }
    }
    return piece;
  }

  void Append(const std::string& name, const Content::Piece& piece) {
    const auto ack = piece.ids.empty() ? engine_->AppendText(name, piece.text)
                                       : engine_->AppendIds(name, piece.ids);
    ASSERT_TRUE(ack.ok()) << ack.status();
  }

  std::string Recompute(const Content& content) {
    const std::string name = NewName();
    EXPECT_TRUE(engine_->Create(name).ok());
    for (const Content::Piece& piece : content.pieces) Append(name, piece);
    const std::string digest = engine_->DigestOf(name);
    EXPECT_TRUE(engine_->Delete(name).ok());
    return digest;
  }
};

TEST_F(ForkTreeTest, EveryLeafEqualsItsRecomputation) {
  for (int tree = 0; tree < 100; ++tree) {
    const Tokenizer* tokenizer = &engine_->engine().tokenizer();
    std::map<std::string, Content> streams;
    const std::string root = NewName();
    ASSERT_TRUE(engine_->Create(root).ok());
    streams[root];
    for (int step = 0; step < 12; ++step) {
      auto it = streams.begin();
      std::advance(it, random_() % streams.size());
      const std::string name = it->first;
      const int action = random_() % 8;
      if (action < 4) {
        const Content::Piece piece = RandomPiece();
        Append(name, piece);
        streams[name].Add(piece, *tokenizer);
      } else if (action < 6) {
        const size_t byte = random_() % (streams[name].bytes + 1);
        Content prefix;
        const bool whole = streams[name].Prefix(byte, *tokenizer, &prefix);
        const std::string child = NewName();
        const auto forked = engine_->Fork(name, AtByte(byte), child);
        ASSERT_EQ(forked.ok(), whole) << forked.status() << " byte " << byte;
        if (whole) streams[child] = prefix;
      } else if (action == 6 && streams.size() > 1) {
        ASSERT_TRUE(engine_->Delete(name).ok());
        streams.erase(name);
      } else if (step % 4 == 3) {
        Restart(1);
        tokenizer = &engine_->engine().tokenizer();
        ASSERT_TRUE(store_.Sweep(absl::Now()).ok());
      }
    }
    for (const auto& [name, content] : streams) {
      ASSERT_EQ(engine_->DigestOf(name), Recompute(content))
          << "tree " << tree << " stream " << name;
      ASSERT_TRUE(engine_->Delete(name).ok());
    }
  }
}

TEST_F(ExactnessTest, ManyStreamsTakeTurnsInFewSlots) {
  engine_.reset();
  SyncEngine::Options options;
  options.engine.limits.open_streams_max = 3;
  auto started = SyncEngine::Start(options, &store_);
  ASSERT_TRUE(started.ok()) << started.status();
  engine_ = *std::move(started);
  std::vector<std::string> texts(20);
  for (size_t i = 0; i < texts.size(); ++i) {
    ASSERT_TRUE(engine_->Create(absl::StrCat("turn", i)).ok());
  }
  for (int round = 0; round < 100; ++round) {
    const size_t i = random_() % texts.size();
    const std::string more = RandomText(1 + random_() % 50, &random_);
    const auto ack = engine_->AppendText(absl::StrCat("turn", i), more);
    ASSERT_TRUE(ack.ok()) << ack.status();
    texts[i] += more;
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    ASSERT_EQ(engine_->DigestOf(absl::StrCat("turn", i)),
              FreshDigest(texts[i]));
  }
}

TEST_F(ExactnessTest, ADrainLeavesNothingToReplay) {
  const std::string text = RandomText(1000, &random_);
  ASSERT_TRUE(engine_->Create("doc").ok());
  ASSERT_TRUE(engine_->AppendText("doc", text).ok());
  const auto before = engine_->Get("doc", true);
  engine_->Drain();
  EXPECT_TRUE(absl::IsUnavailable(engine_->Get("doc").status()));
  Restart(1);
  const auto checkpoints = engine_->ListCheckpoints("doc");
  ASSERT_TRUE(checkpoints.ok());
  EXPECT_EQ(checkpoints->back().token_offset, before->token_offset);
  EXPECT_EQ(engine_->DigestOf("doc"), ToHex(*before->state_digest));
}

}  // namespace
}  // namespace oxbow
