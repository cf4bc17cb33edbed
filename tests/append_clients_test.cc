// Four clients that take one stream over from each other, some of them with a
// chunk on its way as they lose it, some writing on without having noticed:
// random operations against a reference model of a log.
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "base/soak.h"
#include "engine/error_reason.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/reference_log.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

constexpr int kClients = 4;
constexpr int kOperationsAStream = 500;
constexpr absl::Duration kPatience = absl::Seconds(30);

// One Append call.
class Call : public AppendSession::Observer {
 public:
  void Open(Engine* engine, const std::string& stream,
            absl::optional<Position> last_durable) {
    StreamName name;
    name.stream = stream;
    session_ = engine->OpenAppend(name, last_durable, this);
  }
  void Write(const AppendChunk& chunk) {
    ++written_;
    session_->Write(chunk);
  }
  void Cancel() { session_->Cancel(); }

  // Waits until the server has taken all that was written, or ended the call.
  void WaitForVerdict() {
    const auto known = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return ready_ > written_ || done_.has_value();
    };
    absl::MutexLock lock(&mu_);
    EXPECT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&known), kPatience));
  }
  void WaitForEnd() {
    const auto ended = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return done_.has_value();
    };
    absl::MutexLock lock(&mu_);
    EXPECT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&ended), kPatience))
        << "the call goes on";
  }
  // Of what was written, how many chunks the server has taken.
  int taken() {
    absl::MutexLock lock(&mu_);
    return ready_ - 1;
  }
  int written() const { return written_; }
  // "" while it lives.
  std::string reason() {
    absl::MutexLock lock(&mu_);
    return done_.has_value() ? ReasonOf(*done_) : "";
  }
  bool live() {
    absl::MutexLock lock(&mu_);
    return !done_.has_value();
  }
  // The durable end that the first ack told; nullopt: none came.
  absl::optional<Position> first_durable() {
    absl::MutexLock lock(&mu_);
    return first_durable_;
  }

  void OnAck(const AppendAck& ack) override {
    absl::MutexLock lock(&mu_);
    if (!first_durable_.has_value()) first_durable_ = ack.durable;
  }
  void OnReady() override {
    absl::MutexLock lock(&mu_);
    ++ready_;
  }
  void OnDone(const absl::Status& status, const AppendAck&) override {
    absl::MutexLock lock(&mu_);
    done_ = status;
  }

 private:
  std::shared_ptr<AppendSession> session_;
  int written_ = 0;
  absl::Mutex mu_;
  int ready_ ABSL_GUARDED_BY(mu_) = 0;
  absl::optional<absl::Status> done_ ABSL_GUARDED_BY(mu_);
  absl::optional<Position> first_durable_ ABSL_GUARDED_BY(mu_);
};

class AppendClientsTest : public testing::Test {
 protected:
  AppendClientsTest() {
    auto started = SyncEngine::Start(SyncEngine::Options(), &store_);
    EXPECT_TRUE(started.ok()) << started.status();
    engine_ = *std::move(started);
  }

  const Tokenizer& tokenizer() { return engine_->engine().tokenizer(); }

  void NewStream() {
    name_ = absl::StrCat("log", streams_++);
    ASSERT_TRUE(engine_->Create(name_).ok());
    log_ = ReferenceLog();
  }

  // Ends every call and holds the stream against the model: its text, and its
  // state against that of a stream which got the same at once.
  void EndStream() {
    for (std::unique_ptr<Call>& call : calls_) {
      if (call == nullptr) continue;
      call->Cancel();
      call->WaitForEnd();
      call.reset();
    }
    writer_ = nullptr;
    ASSERT_EQ(*engine_->Text(name_), log_.Text(tokenizer()));
    const std::string whole = name_ + ".whole";
    ASSERT_TRUE(engine_->Create(whole).ok());
    ASSERT_TRUE(engine_->Append(whole, log_.Whole()).ok());
    ASSERT_EQ(engine_->DigestOf(name_), engine_->DigestOf(whole)) << name_;
    ASSERT_TRUE(engine_->Delete(name_).ok());
    ASSERT_TRUE(engine_->Delete(whole).ok());
  }

  // A new call of the client, which ends whoever writes. That one may have a
  // chunk on its way: sent before, or only after the new call came.
  void TakeOver(int client) {
    const int racing = dice_.random()() % 3;  // 0: none
    const AppendChunk chunk = dice_.Chunk(log_);
    Call* const older = writer_;
    const int taken = older == nullptr ? 0 : older->taken();
    if (older != nullptr && racing == 1) older->Write(chunk);
    auto newer = std::make_unique<Call>();
    newer->Open(&engine_->engine(), name_, known_[client]);
    if (older != nullptr && racing == 2) older->Write(chunk);
    newer->WaitForVerdict();
    if (older != nullptr) {
      older->WaitForEnd();
      if (older->taken() > taken) {
        ASSERT_EQ(log_.Add(chunk, tokenizer()), "");
        ++raced_and_taken_;
      } else if (older->reason() != "STALE_EPOCH") {
        ASSERT_NE(racing, 0) << older->reason();
        ASSERT_EQ(older->reason(), log_.Add(chunk, tokenizer()));
      } else if (racing != 0) {
        ++raced_and_refused_;
      }
    }
    ASSERT_TRUE(newer->live()) << newer->reason();
    // Whatever the older wrote is in front of the newer's first ack.
    ASSERT_EQ(*newer->first_durable(), log_.end());
    known_[client] = log_.end();
    // The client's own older call has ended too.
    calls_[client] = std::move(newer);
    writer_ = calls_[client].get();
    ++taken_over_;
  }

  int WriterNumber() const {
    int client = 0;
    while (calls_[client].get() != writer_) ++client;
    return client;
  }

  void Write(int client) {
    Call* const call = calls_[client].get();
    const AppendChunk chunk = dice_.Chunk(log_);
    if (call != writer_ || call == nullptr) {
      // It has not noticed that it lost the stream.
      if (call != nullptr) call->Write(chunk);
      ++zombie_writes_;
      return;
    }
    const int taken = call->taken();
    call->Write(chunk);
    call->WaitForVerdict();
    const std::string expected = log_.Add(chunk, tokenizer());
    ASSERT_EQ(call->reason(), expected);
    ASSERT_EQ(call->taken() - taken, expected.empty() ? 1 : 0);
    if (expected.empty()) return;
    writer_ = nullptr;
    ++refused_;
  }

  MemoryStore store_;
  std::unique_ptr<SyncEngine> engine_;
  ChunkDice dice_{SoakSeed(4712)};
  std::string name_;
  ReferenceLog log_;
  std::vector<std::unique_ptr<Call>> calls_{kClients};
  std::vector<absl::optional<Position>> known_{kClients};
  Call* writer_ = nullptr;
  int streams_ = 0;
  int taken_over_ = 0, refused_ = 0, zombie_writes_ = 0;
  int raced_and_taken_ = 0, raced_and_refused_ = 0;
};

TEST_F(AppendClientsTest, TheLogDoesWhatTheModelSays) {
  const int operations = Soaked(20000);
  for (int operation = 0; operation < operations; ++operation) {
    if (operation % kOperationsAStream == 0) {
      if (operation > 0) EndStream();
      NewStream();
      known_.assign(kClients, absl::nullopt);
    }
    const int client = dice_.random()() % kClients;
    if (writer_ == nullptr || dice_.random()() % 5 == 0) {
      TakeOver(client);
    } else {
      // Mostly the writer.
      Write(dice_.random()() % 2 == 0 ? client : WriterNumber());
    }
    if (HasFailure()) FAIL() << "operation " << operation;
  }
  EndStream();
  std::cout << operations << " operations: " << taken_over_ << " takeovers, "
            << refused_ << " chunks refused, " << zombie_writes_
            << " late writes, " << raced_and_taken_
            << " chunks in a race taken, " << raced_and_refused_ << " not\n";
  EXPECT_GT(refused_, operations / 50);
  EXPECT_GT(zombie_writes_, operations / 50);
  EXPECT_GT(raced_and_taken_, operations / 100);
}

// Writes as fast as it may, on the engine's thread.
class Flooder : public AppendSession::Observer {
 public:
  Flooder(int chunks, size_t bytes) : chunks_(chunks), bytes_(bytes) {}

  void Open(Engine* engine, const std::string& stream) {
    StreamName name;
    name.stream = stream;
    absl::MutexLock lock(&mu_);
    session_ = engine->OpenAppend(name, absl::nullopt, this);
  }
  absl::Status Wait() {
    done_.WaitForNotification();
    return status_;
  }
  // The most that was taken and not applied when another chunk was asked for.
  uint64_t behind_max() const { return behind_max_; }

  void OnAck(const AppendAck& ack) override {
    applied_ = ack.applied.byte_offset;
  }
  void OnReady() override {
    absl::MutexLock lock(&mu_);
    behind_max_ = std::max(behind_max_, written_ - applied_);
    if (chunks_-- == 0) return session_->Close();
    AppendChunk chunk;
    chunk.text = std::string(bytes_, 'x');
    written_ += bytes_;
    session_->Write(chunk);
  }
  void OnDone(const absl::Status& status, const AppendAck&) override {
    status_ = status;
    done_.Notify();
  }

 private:
  absl::Mutex mu_;  // Open() may still be at work
  std::shared_ptr<AppendSession> session_ ABSL_GUARDED_BY(mu_);
  int chunks_;
  const size_t bytes_;
  uint64_t written_ = 0;
  uint64_t applied_ = 0;
  uint64_t behind_max_ = 0;
  absl::Status status_;
  absl::Notification done_;
};

TEST_F(AppendClientsTest, AClientIsHeldBackWhileTheModelIsBehind) {
  engine_.reset();
  SyncEngine::Options options;
  options.engine.limits.append_window_bytes = 2000;
  auto started = SyncEngine::Start(options, &store_);
  ASSERT_TRUE(started.ok()) << started.status();
  engine_ = *std::move(started);
  NewStream();
  Flooder flooder(100, 500);
  flooder.Open(&engine_->engine(), name_);
  EXPECT_TRUE(flooder.Wait().ok());
  EXPECT_LT(flooder.behind_max(), 2000u);
  EXPECT_GT(flooder.behind_max(), 1000u) << "it never got ahead of the model";
  EXPECT_EQ(engine_->Text(name_)->size(), 50000u);
}

TEST_F(AppendClientsTest, WhoWasToldMoreThanIsThereIsTold) {
  NewStream();
  ASSERT_TRUE(engine_->AppendText(name_, "abc").ok());
  Call call;
  call.Open(&engine_->engine(), name_, Position{4, 0});
  call.WaitForEnd();
  EXPECT_EQ(call.reason(), "DURABLE_BYTES_LOST");
  EXPECT_EQ(*engine_->Text(name_), "abc");
  Call knows;
  knows.Open(&engine_->engine(), name_, Position{3, 0});
  knows.WaitForVerdict();
  EXPECT_TRUE(knows.live()) << knows.reason();
  knows.Cancel();
  knows.WaitForEnd();
}

}  // namespace
}  // namespace oxbow
