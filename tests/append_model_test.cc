// 20,000 random append operations against a reference model of a log.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/soak.h"
#include "engine/error_reason.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/reference_log.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

class AppendModelTest : public testing::Test {
 protected:
  AppendModelTest() {
    auto started = SyncEngine::Start(SyncEngine::Options(), &store_);
    EXPECT_TRUE(started.ok()) << started.status();
    engine_ = *std::move(started);
  }

  MemoryStore store_;
  std::unique_ptr<SyncEngine> engine_;
  ChunkDice dice_{SoakSeed(4711)};
};

TEST_F(AppendModelTest, TheLogDoesWhatTheModelSays) {
  const Tokenizer& tokenizer = engine_->engine().tokenizer();
  int refused = 0;
  ReferenceLog log;
  std::string name;
  const int operations = Soaked(20000);
  for (int operation = 0; operation < operations; ++operation) {
    if (operation % 500 == 0) {
      name = absl::StrCat("log", operation);
      ASSERT_TRUE(engine_->Create(name).ok());
      log = ReferenceLog();
    }
    const AppendChunk chunk = dice_.Chunk(log);
    const std::string expected = log.Add(chunk, tokenizer);
    const absl::StatusOr<AppendAck> ack = engine_->Append(name, {chunk});
    if (!ack.ok()) ++refused;
    ASSERT_EQ(ack.ok() ? "" : ReasonOf(ack.status()), expected)
        << "operation " << operation << " " << ack.status();
    if (ack.ok()) {
      ASSERT_EQ(ack->durable, log.end()) << "operation " << operation;
    }
  }
  EXPECT_EQ(*engine_->Text(name), log.Text(tokenizer));
  // The dice must have tried both.
  EXPECT_GT(refused, operations / 20);
  EXPECT_LT(refused, operations / 2);
}

}  // namespace
}  // namespace oxbow
