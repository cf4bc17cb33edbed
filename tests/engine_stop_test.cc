// An engine that goes in the midst of work: as after a crash, what was
// acknowledged is there, and nothing refers to what is gone.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

// Tells when the work has begun; its end may never come.
class Listener : public GenerateObserver {
 public:
  void OnStart(const Point&) override {}
  void OnToken(const GeneratedToken& token) override {
    if (token.index == 0 && token.branch == 0) begun.Notify();
  }
  void OnBranch(const FinishedBranch&) override {}
  void OnDone(const absl::Status&) override {}

  absl::Notification begun;
};

class EngineStopTest : public testing::TestWithParam<bool> {
 protected:
  EngineStopTest() { Restart(); }

  void Restart() {
    engine_.reset();
    SyncEngine::Options options;
    options.engine.checkpoint_tokens = 64;
    if (GetParam()) options.embedder_path = WriteTestModel(true);
    auto started = SyncEngine::Start(options, &store_);
    ASSERT_TRUE(started.ok()) << started.status();
    engine_ = *std::move(started);
  }

  static GenerateRequest LongRequest() {
    GenerateRequest request;
    request.name.stream = "doc";
    request.tokens_max = 4096;
    request.branches = 4;
    request.ignore_end_of_document = true;
    return request;
  }

  MemoryStore store_;
  std::unique_ptr<SyncEngine> engine_;
  std::mt19937_64 random_{2718};
};

TEST_P(EngineStopTest, WhileItGenerates) {
  const std::string text = RandomText(600, &random_);
  ASSERT_TRUE(engine_->Create("doc").ok());
  ASSERT_TRUE(engine_->AppendText("doc", text).ok());
  const std::string digest = engine_->DigestOf("doc");
  for (int round = 0; round < 5; ++round) {
    Listener listener;
    GenerateRequest request = LongRequest();
    request.at = round % 2 == 0 ? AtHead() : AtByte(300);
    engine_->engine().Generate(request, &listener);
    listener.begun.WaitForNotification();
    Restart();
    ASSERT_EQ(engine_->DigestOf("doc"), digest);
  }
}

TEST_P(EngineStopTest, WhileItReadsAndEmbeds) {
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kSentence;
  ASSERT_TRUE(engine_->Create("doc", plan).ok());
  const std::string text = RandomText(20000, &random_);
  for (int round = 0; round < 5; ++round) {
    struct Silent : AppendSession::Observer {
      void OnAck(const AppendAck&) override {}
      void OnReady() override {
        if (!ready.HasBeenNotified()) ready.Notify();
      }
      void OnDone(const absl::Status&, const AppendAck&) override {}
      absl::Notification ready;
    } observer;
    StreamName name;
    name.stream = "doc";
    auto session = engine_->engine().OpenAppend(name, absl::nullopt, &observer);
    observer.ready.WaitForNotification();
    AppendChunk chunk;
    chunk.text = text.substr(round * 4000, 4000);
    session->Write(chunk);
    EmbedRequest request;
    request.name = name;
    engine_->engine().Embed(request, [](absl::StatusOr<EmbedReply>) {});
    absl::SleepFor(absl::Milliseconds(3 * round));
    session.reset();
    Restart();
    // The chunk is there as a whole or not at all.
    const auto held = engine_->Text("doc");
    ASSERT_TRUE(held.ok()) << held.status();
    ASSERT_TRUE(held->size() % 4000 == 0) << held->size();
  }
  const std::string held = *engine_->Text("doc");
  ASSERT_TRUE(engine_->Create("fresh", plan).ok());
  ASSERT_TRUE(engine_->AppendText("fresh", held).ok());
  EXPECT_EQ(engine_->DigestOf("doc"), engine_->DigestOf("fresh"));
}

INSTANTIATE_TEST_SUITE_P(OneReaderOrTwo, EngineStopTest, testing::Bool());

}  // namespace
}  // namespace oxbow
