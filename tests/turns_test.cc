// More streams at work than states in memory: they take turns, and nobody
// notices but by the clock.
#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "engine/error_reason.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "store/testing/faulty_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

const absl::Duration kPatience = absl::Seconds(100);

// An Append call that stays open until it is told otherwise.
class OpenCall : public AppendSession::Observer {
 public:
  OpenCall(Engine* engine, const std::string& stream) {
    StreamName name;
    name.stream = stream;
    session_ = engine->OpenAppend(name, absl::nullopt, this);
  }
  ~OpenCall() override {
    session_->Cancel();
    EXPECT_TRUE(Await([this] { return done_; }));
  }

  void OnAck(const AppendAck& ack) override {
    absl::MutexLock lock(&mu_);
    ack_ = ack;
    if (on_ack_) on_ack_(ack);
  }
  void OnReady() override {
    absl::MutexLock lock(&mu_);
    ++ready_;
  }
  void OnDone(const absl::Status& status, const AppendAck& last) override {
    absl::MutexLock lock(&mu_);
    status_ = status;
    if (status.ok()) ack_ = last;
    done_ = true;
  }

  // On the engine thread, with each ack.
  void set_on_ack(std::function<void(const AppendAck&)> on_ack) {
    absl::MutexLock lock(&mu_);
    on_ack_ = std::move(on_ack);
  }

  bool WaitUntilReady() {
    return Await([this] { return ready_ > 0; });
  }
  bool ready() const {
    absl::MutexLock lock(&mu_);
    return ready_ > 0;
  }
  void Write(const std::string& text) {
    ASSERT_TRUE(WaitUntilReady());
    {
      absl::MutexLock lock(&mu_);
      --ready_;
    }
    AppendChunk chunk;
    chunk.text = text;
    written_ += text.size();
    session_->Write(std::move(chunk));
  }
  bool WaitUntilDurable() {
    return Await([this] { return ack_.durable.byte_offset == written_; });
  }
  bool WaitUntilApplied() {
    return Await([this] { return ack_.applied.byte_offset == written_; });
  }
  // The end of the call by itself.
  absl::Status Close() {
    session_->Close();
    return WaitUntilDone();
  }
  absl::Status WaitUntilDone() {
    if (!Await([this] { return done_; })) {
      return absl::DeadlineExceededError("the call is still open");
    }
    absl::MutexLock lock(&mu_);
    return status_;
  }
  bool done() const {
    absl::MutexLock lock(&mu_);
    return done_;
  }
  AppendAck ack() const {
    absl::MutexLock lock(&mu_);
    return ack_;
  }

 private:
  template <class Condition>
  bool Await(const Condition& condition) {
    const auto holds = [this, &condition]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return condition() || done_;
    };
    absl::MutexLock lock(&mu_);
    return mu_.AwaitWithTimeout(absl::Condition(&holds), kPatience) &&
           condition();
  }

  mutable absl::Mutex mu_;
  std::shared_ptr<AppendSession> session_;
  std::function<void(const AppendAck&)> on_ack_;
  size_t written_ = 0;
  int ready_ = 0;
  bool done_ = false;
  absl::Status status_;
  AppendAck ack_;
};

class TurnsTest : public testing::Test {
 protected:
  static std::string NameOf(int i) { return absl::StrCat("s", i); }

  void Start(int open_streams, uint64_t turn_tokens, bool embedder = false) {
    SyncEngine::Options options;
    options.engine.limits.open_streams_max = open_streams;
    options.engine.turn_tokens = turn_tokens;
    if (embedder) options.embedder_path = WriteTestModel(true);
    Start(options);
  }
  void Start(const SyncEngine::Options& options) {
    engine_.reset();
    auto started = SyncEngine::Start(options, &store_);
    ASSERT_TRUE(started.ok()) << started.status();
    engine_ = *std::move(started);
  }

  void Create(int count, EmbeddingPlan plan = {}) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(engine_->Create(NameOf(i), plan).ok());
    }
  }
  std::unique_ptr<OpenCall> Open(const std::string& stream) {
    return std::make_unique<OpenCall>(&engine_->engine(), stream);
  }
  std::vector<std::unique_ptr<OpenCall>> OpenAll(int count) {
    std::vector<std::unique_ptr<OpenCall>> calls;
    for (int i = 0; i < count; ++i) calls.push_back(Open(NameOf(i)));
    for (auto& call : calls) EXPECT_TRUE(call->WaitUntilReady());
    return calls;
  }

  // What the same text gives a stream that has an engine to itself.
  struct Alone {
    std::string digest;
    std::vector<TimelineEntry> timeline;
  };
  Alone AloneWith(const std::string& text, EmbeddingPlan plan = {},
                  bool embedder = false) {
    MemoryStore store;
    SyncEngine::Options options;
    if (embedder) options.embedder_path = WriteTestModel(true);
    const auto engine = *SyncEngine::Start(options, &store);
    EXPECT_TRUE(engine->Create("alone", plan).ok());
    EXPECT_TRUE(engine->AppendText("alone", text).ok());
    Alone alone;
    alone.digest = engine->DigestOf("alone");
    if (plan.kind == EmbeddingPlan::Kind::kNone) return alone;
    alone.timeline = engine->Timeline("alone", true)->entries;
    return alone;
  }
  void ExpectSame(const std::vector<TimelineEntry>& got,
                  const std::vector<TimelineEntry>& wanted) {
    ASSERT_EQ(got.size(), wanted.size());
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i].record.token_end, wanted[i].record.token_end) << i;
      EXPECT_EQ(got[i].record.vector, wanted[i].record.vector) << i;
    }
  }

  // Open calls that write now and then, in any order, in few seats.
  void WriteByTurns(EmbeddingPlan plan, bool embedder) {
    Start(/*open_streams=*/3, /*turn_tokens=*/40, embedder);
    constexpr int kCalls = 10;
    Create(kCalls, plan);
    auto calls = OpenAll(kCalls);
    std::vector<std::string> texts(kCalls);
    for (int round = 0; round < 150; ++round) {
      const int i = random_() % kCalls;
      const std::string more = RandomText(1 + random_() % 400, &random_);
      texts[i] += more;
      calls[i]->Write(more);
      if (round % 7 == 0) {
        ASSERT_TRUE(calls[i]->WaitUntilApplied()) << i;
      }
    }
    for (int i = 0; i < kCalls; ++i) {
      ASSERT_TRUE(calls[i]->Close().ok());
      EXPECT_EQ(calls[i]->ack().applied.byte_offset, texts[i].size());
      const Alone alone = AloneWith(texts[i], plan, embedder);
      ASSERT_EQ(engine_->DigestOf(NameOf(i)), alone.digest) << i;
      if (plan.kind == EmbeddingPlan::Kind::kNone) continue;
      ExpectSame(engine_->Timeline(NameOf(i), true)->entries, alone.timeline);
    }
  }

  MemoryStore store_;
  std::unique_ptr<SyncEngine> engine_;
  std::mt19937_64 random_{1618};
};

TEST_F(TurnsTest, OpenCallsWriteNowAndThen) { WriteByTurns({}, false); }

TEST_F(TurnsTest, TimelinesAreThoseOfStreamsAlone) {
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kSentence;
  WriteByTurns(plan, false);
}

TEST_F(TurnsTest, SoAreThoseOfATrainedHead) {
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  plan.tokens = 64;
  WriteByTurns(plan, true);
}

// Each turn ends within the open span, which is then gone on with.
TEST_F(TurnsTest, SpansMayBeLongerThanTurns) {
  Start(1, 100);
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  plan.tokens = 3000;
  Create(3, plan);
  const std::string text = RandomText(20000, &random_);
  {
    auto calls = OpenAll(3);
    for (auto& call : calls) call->Write(text);
    for (auto& call : calls) ASSERT_TRUE(call->Close().ok());
  }
  const Alone alone = AloneWith(text, plan);
  ASSERT_GT(alone.timeline.size(), 2u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(engine_->DigestOf(NameOf(i)), alone.digest);
    ExpectSame(engine_->Timeline(NameOf(i), true)->entries, alone.timeline);
  }
}

TEST_F(TurnsTest, UploadsMoveOnEvenly) {
  constexpr int kCalls = 12;
  constexpr uint64_t kTurn = 300;
  Start(3, kTurn);
  Create(kCalls);
  const std::string text = RandomText(10000, &random_);
  absl::Mutex mu;
  std::vector<uint64_t> tokens(kCalls);
  uint64_t apart = 0;
  // Holds the engine thread, so that all begin at once.
  absl::Notification begin;
  auto calls = OpenAll(kCalls);
  calls[0]->set_on_ack([&](const AppendAck&) { begin.WaitForNotification(); });
  for (auto& call : calls) call->Write(text);
  for (int i = 0; i < kCalls; ++i) {
    const auto on_ack = [&, i](const AppendAck& ack) {
      absl::MutexLock lock(&mu);
      tokens[i] = ack.token_offset;
      if (ack.applied.byte_offset == text.size()) tokens[i] = 0;
      // Among those that are not at the end.
      uint64_t least = ~uint64_t{0}, most = 0;
      for (int j = 0; j < kCalls; ++j) {
        if (tokens[j] == 0) return;
        least = std::min(least, tokens[j]);
        most = std::max(most, tokens[j]);
      }
      apart = std::max(apart, most - least);
    };
    if (i > 0) calls[i]->set_on_ack(on_ack);
  }
  begin.Notify();
  calls[0]->set_on_ack([&](const AppendAck& ack) {
    absl::MutexLock lock(&mu);
    tokens[0] = ack.applied.byte_offset == text.size() ? 0 : ack.token_offset;
  });
  for (auto& call : calls) ASSERT_TRUE(call->WaitUntilApplied());
  const std::string digest = AloneWith(text).digest;
  for (int i = 0; i < kCalls; ++i) {
    ASSERT_TRUE(calls[i]->Close().ok());
    EXPECT_EQ(engine_->DigestOf(NameOf(i)), digest);
  }
  std::cout << "at most " << apart << " tokens apart of "
            << engine_->Get(NameOf(0))->token_offset << "\n";
  EXPECT_GT(apart, 0u) << "they were never all on their way";
  // A turn, and the run during which it ends.
  EXPECT_LE(apart, 2 * (kTurn + 256));
}

// The log does not wait for the model, nor does what needs no state.
TEST_F(TurnsTest, WithoutASeatTextIsDurableAndStreamsAreSeen) {
  Start(1, /*turn_tokens=*/1 << 30);
  Create(2);
  auto busy = Open("s0");
  busy->Write(RandomText(400000, &random_));
  ASSERT_TRUE(busy->WaitUntilDurable());
  auto call = Open("s1");
  call->Write("Made durable at once.");
  ASSERT_TRUE(call->WaitUntilDurable());
  EXPECT_EQ(*engine_->Text("s1"), "Made durable at once.");
  EXPECT_EQ(engine_->Get("s1")->applied.byte_offset, 0u);
  EXPECT_TRUE(engine_->Fork("s1", AtHead(), "fork").ok());
  EXPECT_TRUE(engine_->Delete("fork").ok());
  EXPECT_LT(busy->ack().applied, busy->ack().durable) << "no test at all";
}

TEST_F(TurnsTest, AnAnswerComesWhileOthersUpload) {
  Start(1, 200);
  Create(3);
  ASSERT_TRUE(engine_->AppendText("s2", "What is asked about.").ok());
  const std::string digest = AloneWith("What is asked about.").digest;
  const std::string text = RandomText(400000, &random_);
  auto first = Open("s0");
  auto second = Open("s1");
  first->Write(text);
  second->Write(text);
  ASSERT_TRUE(first->WaitUntilDurable() && second->WaitUntilDurable());
  EXPECT_EQ(engine_->DigestOf("s2"), digest);
  EmbedRequest request;
  request.name = StreamName{"default", "s2"};
  EXPECT_TRUE(engine_->Embed(request).ok());
  EXPECT_LT(first->ack().applied, first->ack().durable) << "it waited";
  EXPECT_LT(second->ack().applied, second->ack().durable) << "it waited";
}

// Else it would wait for a turn, which is long with many seats.
TEST_F(TurnsTest, AnAnswerDoesNotWaitForATurn) {
  Start(1, /*turn_tokens=*/1 << 30);
  Create(2);
  ASSERT_TRUE(engine_->AppendText("s1", "What is asked about.").ok());
  auto busy = Open("s0");
  busy->Write(RandomText(400000, &random_));
  ASSERT_TRUE(busy->WaitUntilDurable());
  EXPECT_EQ(engine_->DigestOf("s1"), AloneWith("What is asked about.").digest);
  EXPECT_LT(busy->ack().applied, busy->ack().durable) << "it waited";
}

TEST_F(TurnsTest, WhoIsCancelledWaitsNoLonger) {
  SyncEngine::Options options;
  options.engine.limits.open_streams_max = 1;
  options.engine.turn_tokens = 1 << 30;
  options.engine.turn_tokens_before_answer = 1 << 30;
  Start(options);
  Create(2);
  ASSERT_TRUE(engine_->AppendText("s1", "Asked about in vain.").ok());
  auto busy = Open("s0");
  const std::string text = RandomText(1 << 20, &random_);
  for (int i = 0; i < 2; ++i) busy->Write(text);
  ASSERT_TRUE(busy->WaitUntilDurable());
  EmbedRequest request;
  request.name = StreamName{"default", "s1"};
  request.cancelled = std::make_shared<std::atomic<bool>>(false);
  absl::Notification done;
  absl::Status status;
  engine_->engine().Embed(request, [&](absl::StatusOr<EmbedReply> reply) {
    status = reply.status();
    done.Notify();
  });
  *request.cancelled = true;
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_LT(busy->ack().applied, busy->ack().durable) << "it waited";
}

TEST_F(TurnsTest, ANewerCallEndsOneWithoutASeat) {
  Start(1, 100);
  Create(3);
  auto calls = OpenAll(3);
  for (auto& call : calls) {
    call->Write("Some text for each.");
    ASSERT_TRUE(call->WaitUntilApplied());
  }
  auto newer = Open("s0");
  EXPECT_EQ(ReasonOf(calls[0]->WaitUntilDone()), "STALE_EPOCH");
  newer->Write(" More.");
  ASSERT_TRUE(newer->Close().ok());
  EXPECT_EQ(*engine_->Text("s0"), "Some text for each. More.");
}

TEST_F(TurnsTest, DeletionEndsACallWithoutASeat) {
  Start(1, 100);
  Create(3);
  auto calls = OpenAll(3);
  for (auto& call : calls) {
    call->Write("Some text for each.");
    ASSERT_TRUE(call->WaitUntilApplied());
  }
  ASSERT_TRUE(engine_->Delete("s0").ok());
  EXPECT_EQ(ReasonOf(calls[0]->WaitUntilDone()), "NO_STREAM");
  EXPECT_FALSE(calls[1]->done());
}

// While text of it waits to be read.
TEST_F(TurnsTest, AStreamInTheQueueMayBeDeleted) {
  Start(1, 100);
  Create(4);
  const std::string text = RandomText(20000, &random_);
  auto calls = OpenAll(4);
  for (auto& call : calls) call->Write(text);
  for (auto& call : calls) ASSERT_TRUE(call->WaitUntilDurable());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(engine_->Delete(NameOf(i)).ok());
  ASSERT_TRUE(calls[3]->Close().ok());
  EXPECT_EQ(engine_->DigestOf("s3"), AloneWith(text).digest);
}

TEST_F(TurnsTest, ADrainAppliesEverythingAndEndsAllCalls) {
  constexpr int kCalls = 6;
  Start(2, 100);
  Create(kCalls);
  const std::string text = RandomText(5000, &random_);
  {
    auto calls = OpenAll(kCalls);
    for (auto& call : calls) call->Write(text);
    for (auto& call : calls) ASSERT_TRUE(call->WaitUntilDurable());
    engine_->Drain();
    for (auto& call : calls) {
      EXPECT_EQ(ReasonOf(call->WaitUntilDone()), "DRAINING");
    }
  }
  Start(2, 100);
  const Alone alone = AloneWith(text);
  for (int i = 0; i < kCalls; ++i) {
    const auto checkpoints = engine_->ListCheckpoints(NameOf(i));
    ASSERT_TRUE(checkpoints.ok() && !checkpoints->empty());
    EXPECT_EQ(engine_->DigestOf(NameOf(i)), alone.digest);
    EXPECT_EQ(checkpoints->back().token_offset,
              engine_->Get(NameOf(i))->token_offset);
  }
}

// What was not applied when the client left is, at the latest when asked for.
TEST_F(TurnsTest, TextOfCallsThatWereCancelledIsApplied) {
  constexpr int kCalls = 8;
  Start(2, 100);
  Create(kCalls);
  const std::string text = RandomText(5000, &random_);
  {
    auto calls = OpenAll(kCalls);
    for (auto& call : calls) call->Write(text);
    for (auto& call : calls) ASSERT_TRUE(call->WaitUntilDurable());
  }
  const std::string digest = AloneWith(text).digest;
  for (int i = 0; i < kCalls; ++i) {
    EXPECT_EQ(engine_->DigestOf(NameOf(i)), digest);
  }
}

// Else a stream that goes and comes a thousand times would fill the disk.
TEST_F(TurnsTest, StatesThatOnlyMadeRoomAreNotKept) {
  Start(1, 50);
  Create(2);
  std::string texts[2];
  auto calls = OpenAll(2);
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 2; ++i) {
      const std::string more = RandomText(30, &random_);
      texts[i] += more;
      calls[i]->Write(more);
      ASSERT_TRUE(calls[i]->WaitUntilApplied());
    }
    if (round != 20) continue;
    // These are kept.
    ASSERT_TRUE(engine_->Checkpoint("s0", AtHead(), "label").ok());
    ASSERT_TRUE(engine_->Checkpoint("s1", AtHead(), "").ok());
  }
  for (int i = 0; i < 2; ++i) {
    const auto checkpoints = engine_->ListCheckpoints(NameOf(i));
    ASSERT_TRUE(checkpoints.ok());
    EXPECT_LE(checkpoints->size(), 3u);
    EXPECT_GE(checkpoints->size(), 2u);
    EXPECT_EQ(engine_->DigestOf(NameOf(i)), AloneWith(texts[i]).digest);
  }
}

// A timeline may be followed by more clients than there are seats.
TEST_F(TurnsTest, FollowersTakeNoSeats) {
  constexpr int kStreams = 5;
  Start(1, 100);
  EmbeddingPlan plan;
  plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  plan.tokens = 20;
  Create(kStreams, plan);
  absl::Mutex mu;
  int answers = 0;
  for (int i = 0; i < kStreams; ++i) {
    ReadEmbeddingsRequest request;
    request.name.stream = NameOf(i);
    request.follow = true;
    engine_->engine().ReadEmbeddings(
        request, [&](absl::StatusOr<ReadEmbeddingsReply> reply) {
          absl::MutexLock lock(&mu);
          EXPECT_TRUE(reply.ok() && !reply->entries.empty());
          ++answers;
        });
  }
  const std::string text = RandomText(300, &random_);
  for (int i = 0; i < kStreams; ++i) {
    ASSERT_TRUE(engine_->AppendText(NameOf(i), text).ok());
  }
  absl::MutexLock lock(&mu);
  const auto all = [&]() { return answers == kStreams; };
  EXPECT_TRUE(mu.AwaitWithTimeout(absl::Condition(&all), kPatience));
}

// A disk that is behind holds back who has text on the way already, else
// thousands of calls would fill the memory.
TEST_F(TurnsTest, ASlowLogTakesOneChunkOfEachCall) {
  MemoryStore memory;
  FaultyStore slow(&memory);
  SyncEngine::Options options;
  options.engine.log_queue_bytes_max = 30000;
  engine_ = *SyncEngine::Start(options, &slow);
  Create(2);
  auto calls = OpenAll(2);
  slow.Hold();
  calls[0]->Write(std::string(20000, 'a'));
  EXPECT_TRUE(calls[0]->WaitUntilReady()) << "there is room";
  for (auto& call : calls) call->Write(std::string(20000, 'b'));
  // The engine has taken what came before.
  ASSERT_TRUE(engine_->Get("s0").ok());
  EXPECT_FALSE(calls[0]->ready());
  EXPECT_FALSE(calls[1]->ready());
  slow.Release();
  for (auto& call : calls) EXPECT_TRUE(call->WaitUntilReady());
  calls.clear();
  engine_.reset();
}

// More seats than slots: the states of streams at rest make room.
TEST_F(TurnsTest, StatesAtRestMakeRoomForOthers) {
  Start(/*open_streams=*/1000, 1000);
  constexpr int kStreams = 280;  // The test's model has 256 slots.
  Create(kStreams);
  for (int i = 0; i < kStreams; ++i) {
    ASSERT_TRUE(engine_->AppendText(NameOf(i), absl::StrCat("No. ", i)).ok());
  }
  GenerateRequest request;
  request.name.stream = "s0";
  request.branches = 16;
  request.tokens_max = 5;
  const auto generated = engine_->Generate(request);
  EXPECT_TRUE(generated.ok()) << generated.status();
  for (int i = 0; i < kStreams; i += 40) {
    EXPECT_EQ(engine_->DigestOf(NameOf(i)),
              AloneWith(absl::StrCat("No. ", i)).digest);
  }
}

}  // namespace
}  // namespace oxbow
