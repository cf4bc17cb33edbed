// Two thousand Append calls open at the same time, states of 64 in memory.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/resident_bytes.h"
#include "gtest/gtest.h"
#include "oxbow/v1/streams.grpc.pb.h"
#include "store/memory_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/served_model.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

constexpr int kCalls = 2000;
constexpr int kFewCalls = 200;
constexpr int kTexts = 47;
constexpr char kOpenStreams[] = "--open-streams=64";
constexpr char kStoreMemory[] = "--store-memory=6MB";
// What a call costs the server while it is open, chunks and acks on their way
// included: gRPC's part is most of it.
constexpr int64_t kBytesOfCall = 64 << 10;
// What the allocator keeps, and what names and logs in memtables take.
constexpr int64_t kSlackBytes = int64_t{16} << 20;
const absl::Duration kPatience = absl::Seconds(60);

// An open Append call. Sends when told, reads whatever comes.
class OpenCall
    : public grpc::ClientBidiReactor<v1::AppendRequest, v1::AppendResponse> {
 public:
  OpenCall(v1::Streams::Stub* stub, std::string stream)
      : stream_(std::move(stream)) {
    stub->async()->Append(&context_, this);
    chunk_.mutable_open()->set_stream_id(stream_);
    StartWrite(&chunk_);
    StartRead(&response_);
    AddHold();  // Send() comes from another thread.
    StartCall();
  }

  // One after the other.
  void Send(absl::string_view text) {
    absl::MutexLock lock(&mu_);
    const auto written = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return !writing_;
    };
    mu_.Await(absl::Condition(&written));
    chunk_.mutable_chunk()->set_text(std::string(text));
    sent_ += text.size();
    writing_ = true;
    StartWrite(&chunk_);
  }
  bool WaitUntilApplied() {
    absl::MutexLock lock(&mu_);
    const auto applied = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return done_ || (acked_ && applied_ == sent_);
    };
    return mu_.AwaitWithTimeout(absl::Condition(&applied), kPatience) && !done_;
  }
  grpc::Status Close() {
    {
      absl::MutexLock lock(&mu_);
      const auto written = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
        return !writing_;
      };
      mu_.Await(absl::Condition(&written));
    }
    StartWritesDone();
    RemoveHold();
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&done_));
    return status_;
  }

 private:
  void OnWriteDone(bool) override {
    absl::MutexLock lock(&mu_);
    writing_ = false;
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    {
      absl::MutexLock lock(&mu_);
      acked_ = true;
      applied_ = response_.ack().applied().byte_offset();
    }
    StartRead(&response_);
  }
  void OnDone(const grpc::Status& status) override {
    absl::MutexLock lock(&mu_);
    status_ = status;
    done_ = true;
  }

  const std::string stream_;
  grpc::ClientContext context_;
  v1::AppendRequest chunk_;
  v1::AppendResponse response_;
  absl::Mutex mu_;
  bool writing_ = true;
  bool acked_ = false;
  bool done_ = false;
  uint64_t sent_ = 0;
  uint64_t applied_ = 0;
  grpc::Status status_;
};

class OpenCallsTest : public testing::Test {
 protected:
  static std::string NameOf(int stream) { return absl::StrCat("s", stream); }
  const std::string& TextOf(int stream) const {
    return texts_[stream % kTexts];
  }

  // Each connection has its own few calls, as from many clients.
  v1::Streams::Stub* StubFor(int call) {
    constexpr int kCallsEach = 80;
    while (static_cast<int>(stubs_.size()) <= call / kCallsEach) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      stubs_.push_back(v1::Streams::NewStub(grpc::CreateCustomChannel(
          served_.address(), grpc::InsecureChannelCredentials(), arguments)));
    }
    return stubs_[call / kCallsEach].get();
  }

  void OpenUpTo(int count) {
    const int before = calls_.size();
    for (int i = before; i < count; ++i) served_.Create(NameOf(i));
    // All at once, so that many share a sync.
    for (int i = before; i < count; ++i) {
      calls_.push_back(std::make_unique<OpenCall>(StubFor(i), NameOf(i)));
    }
    WaitForAll();
  }
  void WaitForAll() {
    for (size_t i = 0; i < calls_.size(); ++i) {
      ASSERT_TRUE(calls_[i]->WaitUntilApplied()) << i;
    }
  }

  // Part `part` of three of each text, in an order of its own.
  void SendPart(int part) {
    std::vector<int> order(calls_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), std::mt19937(part));
    for (int i : order) {
      const absl::string_view text = TextOf(i);
      const size_t third = text.size() / 3;
      calls_[i]->Send(part == 2 ? text.substr(2 * third)
                                : text.substr(part * third, third));
    }
  }

  std::vector<std::string> WantedDigests() {
    MemoryStore store;
    SyncEngine::Options options;
    options.model_path = model_;
    const auto engine = *SyncEngine::Start(options, &store);
    std::vector<std::string> digests;
    for (int i = 0; i < kTexts; ++i) {
      EXPECT_TRUE(engine->Create(NameOf(i)).ok());
      EXPECT_TRUE(engine->AppendText(NameOf(i), texts_[i]).ok());
      digests.push_back(engine->DigestOf(NameOf(i)));
    }
    return digests;
  }

  const std::string model_ = WriteTestModel(/*embedder=*/false);
  const std::vector<std::string> texts_ = [] {
    std::mt19937_64 random(3);
    std::vector<std::string> texts;
    for (int i = 0; i < kTexts; ++i) {
      texts.push_back(RandomText(300 + random() % 600, &random));
    }
    return texts;
  }();
  ServedModel served_{
      {absl::StrCat("--model=", model_), kOpenStreams, kStoreMemory}};
  std::vector<std::unique_ptr<v1::Streams::Stub>> stubs_;
  std::vector<std::unique_ptr<OpenCall>> calls_;
};

TEST_F(OpenCallsTest, AllAreServedInTheirTurns) {
  absl::Time begin = absl::Now();
  const auto tell = [&begin](absl::string_view what) {
    const absl::Time now = absl::Now();
    std::cout << what << ": " << absl::FormatDuration(now - begin) << std::endl;
    begin = now;
  };
  OpenUpTo(kFewCalls);
  const int64_t of_few = ResidentBytes(served_.pid());
  OpenUpTo(kCalls);
  const int64_t of_idle = ResidentBytes(served_.pid());
  tell("opened");
  // One chunk each, then two by everybody at once.
  SendPart(0);
  WaitForAll();
  tell("a part each");
  SendPart(1);
  SendPart(2);
  WaitForAll();
  tell("two parts each");
  const int64_t of_all = ResidentBytes(served_.pid());
  std::cout << kFewCalls << " calls: " << of_few / 1024 << " KiB; " << kCalls
            << ": " << of_idle / 1024 << " KiB, after their work "
            << of_all / 1024 << " KiB; "
            << (of_idle - of_few) / (kCalls - kFewCalls)
            << " bytes for an idle call\n";
  EXPECT_LT(of_all, of_few + kCalls * kBytesOfCall + kSlackBytes);
  for (auto& call : calls_) {
    const grpc::Status status = call->Close();
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  tell("closed");

  const std::vector<std::string> wanted = WantedDigests();
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 4; ++reader) {
    readers.emplace_back([&, reader]() {
      for (int i = reader; i < kCalls; i += 4) {
        EXPECT_EQ(absl::BytesToHexString(served_.Get(NameOf(i)).state_digest()),
                  wanted[i % kTexts])
            << i;
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  tell("compared");
}

}  // namespace
}  // namespace oxbow
