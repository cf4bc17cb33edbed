// Every version of RWKV in a whole engine: same log, same state, bit for bit,
// whatever the chunks, the batch mates, the threads, the crashes, the forks.
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

class VersionsTest : public testing::TestWithParam<std::string> {
 protected:
  VersionsTest() { Restart(1); }

  // Ends the engine without a drain, as a crash would, and starts another
  // over the same store.
  void Restart(int threads) {
    engine_.reset();
    SyncEngine::Options options;
    options.threads = threads;
    options.engine.checkpoint_tokens = 16;
    options.model_path = WriteTestModel(false, GetParam());
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
      EXPECT_TRUE(engine_->AppendText(name, text).ok());
    }
    return engine_->DigestOf(name);
  }

  MemoryStore store_;
  std::unique_ptr<SyncEngine> engine_;
  std::mt19937_64 random_{20261121};
  int next_ = 0;
};

TEST_P(VersionsTest, ChunksMatesThreadsAndCrashesDoNotMatter) {
  const std::string text = RandomText(700, &random_);
  const std::string expected = FreshDigest(text);
  ASSERT_EQ(expected.size(), 64u) << expected;
  for (int round = 0; round < 12; ++round) {
    if (round % 4 == 3) Restart(1 + round / 4);
    std::vector<std::string> names;
    std::vector<std::vector<size_t>> cuts;
    for (int i = 0; i < 3; ++i) {
      names.push_back(NewName());
      ASSERT_TRUE(engine_->Create(names.back()).ok());
      cuts.push_back(RandomCuts(text.size(), &random_));
    }
    std::vector<std::thread> writers;
    for (int i = 0; i < 3; ++i) {
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

TEST_P(VersionsTest, AnyByteAndAnyForkEqualFreshStreams) {
  const std::string text = RandomText(600, &random_);
  ASSERT_TRUE(engine_->Create("doc").ok());
  ASSERT_TRUE(engine_->AppendText("doc", text).ok());
  const std::string parent = engine_->DigestOf("doc");
  for (int round = 0; round < 40; ++round) {
    if (round == 20) Restart(2);
    // 0 as well: the state before the first token.
    const size_t byte = round == 0 ? 0 : random_() % (text.size() + 1);
    const std::string start = text.substr(0, byte);
    const std::string more = RandomText(1 + random_() % 40, &random_);
    const std::string child = NewName();
    ASSERT_TRUE(engine_->Fork("doc", AtByte(byte), child).ok());
    ASSERT_EQ(engine_->DigestOf(child), FreshDigest(start)) << "byte " << byte;
    ASSERT_TRUE(engine_->AppendText(child, more).ok());
    ASSERT_EQ(engine_->DigestOf(child), FreshDigest(start + more))
        << "byte " << byte;
  }
  EXPECT_EQ(engine_->DigestOf("doc"), parent);
}

INSTANTIATE_TEST_SUITE_P(
    All, VersionsTest, testing::Values("4", "5.0", "5.1", "5.2", "6", "7"),
    [](const auto& info) {
      return "Rwkv" + absl::StrReplaceAll(info.param, {{".", "_"}});
    });

}  // namespace
}  // namespace oxbow
