// Streams with a time to live.
#include <memory>
#include <string>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "engine/error_reason.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

constexpr absl::Duration kTtl = absl::Milliseconds(300);

// Waits for the first chance to write and for the end.
class Writer : public AppendSession::Observer {
 public:
  void OnAck(const AppendAck&) override {}
  void OnReady() override {
    if (!ready_.HasBeenNotified()) ready_.Notify();
  }
  void OnDone(const absl::Status& status, const AppendAck&) override {
    status_ = status;
    done_.Notify();
  }

  bool WaitUntilReady() {
    return ready_.WaitForNotificationWithTimeout(absl::Seconds(20));
  }
  bool WaitUntilDone() {
    return done_.WaitForNotificationWithTimeout(absl::Seconds(20));
  }
  const absl::Status& status() const { return status_; }

 private:
  absl::Notification ready_;
  absl::Notification done_;
  absl::Status status_;
};

class ExpiryTest : public testing::Test {
 protected:
  ExpiryTest() {
    auto started = SyncEngine::Start(SyncEngine::Options(), &store_);
    EXPECT_TRUE(started.ok()) << started.status();
    engine_ = *std::move(started);
    name_.stream = "doc";
  }

  // Returns when its time is up.
  absl::Time CreateForAWhile() {
    CreateStreamRequest request;
    request.name = name_;
    request.ttl = kTtl;
    absl::Notification done;
    engine_->engine().CreateStream(request,
                                   [&done](absl::StatusOr<StreamInfo> info) {
                                     EXPECT_TRUE(info.ok()) << info.status();
                                     done.Notify();
                                   });
    done.WaitForNotification();
    return absl::Now() + kTtl;
  }

  MemoryStore store_;
  std::unique_ptr<SyncEngine> engine_;
  StreamName name_;
};

TEST_F(ExpiryTest, AnExpiredStreamIsGoneAndItsNameIsFree) {
  const absl::Time end = CreateForAWhile();
  ASSERT_TRUE(engine_->AppendText("doc", "abc").ok());
  absl::SleepFor(end - absl::Now());
  EXPECT_EQ(ReasonOf(engine_->Get("doc").status()), "NO_STREAM");
  EXPECT_EQ(ReasonOf(engine_->AppendText("doc", "d").status()), "NO_STREAM");
  ASSERT_TRUE(engine_->Create("doc").ok());
  EXPECT_EQ(engine_->Get("doc")->durable, Position());
}

// Else it would wait for ever for a stream that does not move any more.
TEST_F(ExpiryTest, ItsWriterIsSentAway) {
  const absl::Time end = CreateForAWhile();
  Writer writer;
  const auto session =
      engine_->engine().OpenAppend(name_, absl::nullopt, &writer);
  ASSERT_TRUE(writer.WaitUntilReady());
  absl::SleepFor(end - absl::Now());
  EXPECT_EQ(ReasonOf(engine_->Get("doc").status()), "NO_STREAM");
  AppendChunk chunk;
  chunk.text = "abc";
  session->Write(chunk);
  session->Close();
  ASSERT_TRUE(writer.WaitUntilDone());
  EXPECT_EQ(ReasonOf(writer.status()), "NO_STREAM");
}

}  // namespace
}  // namespace oxbow
