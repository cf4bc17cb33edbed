// SIGTERM while streams are written and read from: the server says so, ends in
// time, has lost nothing it acknowledged, and has nothing to replay when it
// starts again.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "base/soak.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"
#include "oxbow/v1/streams.grpc.pb.h"
#include "tests/testing/random_text.h"
#include "tests/testing/served_model.h"
#include "tests/testing/server_process.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

using grpc::StatusCode;

constexpr int kWriters = 6;
constexpr int kReaders = 4;
constexpr char kDrainTimeout[] = "--drain-timeout=20";
constexpr double kDrainSeconds = 20;

std::shared_ptr<grpc::Channel> NewChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(),
                                   arguments);
}

// How a call may end when the server goes down: it says so, or the connection
// is gone before or while it is called.
bool IsGoingDown(const grpc::Status& status) {
  return status.error_code() == StatusCode::UNAVAILABLE ||
         (status.error_code() == StatusCode::CANCELLED &&
          status.error_details().empty());
}

// A document that is being written, and what was acknowledged of it.
struct Writer {
  std::string name;
  std::string text;
  uint64_t acknowledged = 0;
  std::string error;  // the first thing that went wrong

  // Appends until the end of the text or of the server.
  void Append(const std::string& address) {
    const auto stub = v1::Streams::NewStub(NewChannel(address));
    grpc::ClientContext context;
    const auto call = stub->Append(&context);
    v1::AppendRequest request;
    v1::AppendResponse response;
    request.mutable_open()->set_stream_id(name);
    request.mutable_open()->mutable_last_durable()->set_byte_offset(
        acknowledged);
    bool going = call->Write(request) && call->Read(&response);
    uint64_t sent = going ? response.ack().durable().byte_offset() : 0;
    if (going && sent < acknowledged) error = "acknowledged bytes are lost";
    while (going && sent < text.size()) {
      const std::string chunk = text.substr(sent, 97);
      request.mutable_chunk()->set_text(chunk);
      request.mutable_chunk()->mutable_position()->set_byte_offset(sent);
      sent += chunk.size();
      going = call->Write(request);
      while (going && acknowledged < sent) {
        going = call->Read(&response);
        if (going) acknowledged = response.ack().durable().byte_offset();
      }
    }
    call->WritesDone();
    while (call->Read(&response)) {
      acknowledged = response.ack().durable().byte_offset();
    }
    const grpc::Status status = call->Finish();
    if (!status.ok() && !IsGoingDown(status)) {
      error = absl::StrCat(status.error_code(), ": ", status.error_message());
    }
  }
};

// Generates until the server ends; "" or what went wrong.
std::string GenerateOn(const std::string& address) {
  const auto stub = v1::Streams::NewStub(NewChannel(address));
  while (true) {
    grpc::ClientContext context;
    v1::GenerateRequest request;
    request.set_stream_id("book");
    request.set_max_tokens(300);
    request.set_ignore_end_of_document(true);
    const auto call = stub->Generate(&context, request);
    v1::GenerateResponse response;
    while (call->Read(&response)) {
    }
    const grpc::Status status = call->Finish();
    if (status.ok()) continue;
    if (IsGoingDown(status)) return "";
    return absl::StrCat(status.error_code(), ": ", status.error_message());
  }
}

// What health's Watch says, in numbers: 1 serving, 2 not. Ends with that, or
// stays as long as the server.
std::string WatchHealth(const std::string& address, bool stays) {
  grpc::GenericStub stub(NewChannel(address));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto step = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call =
      stub.PrepareCall(&context, "/grpc.health.v1.Health/Watch", &queue);
  call->StartCall(nullptr);
  step();
  // HealthCheckRequest.service is field 1.
  const grpc::Slice request(std::string("\x0a\x10oxbow.v1.Streams"));
  call->WriteLast(grpc::ByteBuffer(&request, 1), grpc::WriteOptions(), nullptr);
  step();
  std::string seen;
  grpc::ByteBuffer response;
  while (call->Read(&response, nullptr), step()) {
    grpc::Slice slice;
    if (!response.DumpToSingleSlice(&slice).ok() || slice.size() != 2) break;
    absl::StrAppend(&seen, static_cast<int>(slice.begin()[1]));
    // Who watches on keeps the server for some seconds more.
    if (seen.back() == '2' && !stays) context.TryCancel();
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  step();
  return seen;
}

class DrainTest : public testing::Test {
 protected:
  DrainTest() {
    served_.Create("book");
    served_.Append("book", "Once upon a time");
    for (int i = 0; i < kWriters; ++i) {
      Writer writer;
      writer.name = absl::StrCat("stream", i);
      std::mt19937_64 random(i);
      writer.text = RandomText(Soaked(100000), &random);
      writers_.push_back(std::move(writer));
      served_.Create(writers_.back().name);
    }
  }

  // One server's life under load, of so many milliseconds. Its drain's
  // seconds.
  double ServeAndDrain(int milliseconds) {
    const std::string address = served_.address();
    std::vector<std::thread> threads;
    std::vector<std::string> faults(kReaders);
    std::string health;
    for (Writer& writer : writers_) {
      threads.emplace_back([&writer, &address] { writer.Append(address); });
    }
    for (std::string& fault : faults) {
      threads.emplace_back([&fault, &address] { fault = GenerateOn(address); });
    }
    threads.emplace_back(
        [&] { health = WatchHealth(address, /*stays=*/false); });
    absl::SleepFor(absl::Milliseconds(milliseconds));
    const absl::Time begin = absl::Now();
    served_.Drain();  // Expects an exit with 0.
    const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
    for (std::thread& thread : threads) thread.join();
    for (const std::string& fault : faults) EXPECT_EQ(fault, "");
    EXPECT_EQ(health, "12");
    return seconds;
  }

  // Of a server that has just begun.
  void ExpectNothingToReplay() {
    for (const Writer& writer : writers_) {
      ASSERT_EQ(writer.error, "") << writer.name;
      grpc::ClientContext context;
      v1::ListCheckpointsRequest request;
      request.set_stream_id(writer.name);
      v1::ListCheckpointsResponse checkpoints;
      const grpc::Status status =
          served_.streams().ListCheckpoints(&context, request, &checkpoints);
      ASSERT_TRUE(status.ok()) << status.error_message();
      ASSERT_GT(checkpoints.checkpoints_size(), 0) << writer.name;
      // All tokens there are; the bytes behind them are not decided yet.
      const v1::Stream stream = served_.Get(writer.name);
      EXPECT_EQ(checkpoints.checkpoints().rbegin()->token_offset(),
                stream.token_offset())
          << writer.name;
      EXPECT_GE(stream.durable().byte_offset(),
                static_cast<int64_t>(writer.acknowledged));
    }
  }

  const std::string model_flag_ =
      absl::StrCat("--model=", WriteTestModel(/*embedder=*/false));
  ServedModel served_{{model_flag_, kDrainTimeout}};
  std::vector<Writer> writers_;
};

TEST_F(DrainTest, NothingIsLostAndNothingReplayed) {
  const uint64_t seed = SoakSeed(20261121);
  const int drains = Soaked(5);
  std::mt19937_64 random(seed);
  double longest = 0;
  for (int i = 0; i < drains; ++i) {
    longest = std::max(longest, ServeAndDrain(50 + random() % 250));
    served_.Start();
    ExpectNothingToReplay();
    if (HasFailure()) FAIL() << "drain " << i << " of seed " << seed;
  }
  EXPECT_LT(longest, kDrainSeconds);
  uint64_t bytes = 0;
  for (const Writer& writer : writers_) {
    const std::string text = served_.Text(writer.name);
    EXPECT_TRUE(absl::StartsWith(writer.text, text)) << writer.name;
    EXPECT_GE(text.size(), writer.acknowledged);
    bytes += text.size();
    // The same without any interruption.
    const std::string whole = absl::StrCat(writer.name, ".whole");
    served_.Create(whole);
    served_.Append(whole, text);
    EXPECT_EQ(served_.Get(writer.name).state_digest(),
              served_.Get(whole).state_digest());
  }
  std::cout << drains << " drains under load, seed " << seed << ": longest "
            << longest << " s; " << bytes << " bytes of " << kWriters
            << " streams, none lost, none replayed\n";
}

// Who watches health on keeps a drain waiting for seconds; a second signal ends
// it, as safely as a crash.
TEST_F(DrainTest, ASecondSignalEndsAtOnce) {
  for (int i = 0; i < 3; ++i) {
    const std::string store =
        absl::StrCat(testing::TempDir(), "/second_signal");
    auto server =
        ServerProcess::Start({model_flag_, "--store=" + store, kDrainTimeout});
    ASSERT_TRUE(server.ok()) << server.status();
    const std::string address = (*server)->address();
    const auto streams = v1::Streams::NewStub(NewChannel(address));
    grpc::ClientContext context;
    v1::CreateStreamRequest create;
    create.set_stream_id("stream0");
    v1::Stream stream;
    const grpc::Status created =
        streams->CreateStream(&context, create, &stream);
    ASSERT_TRUE(created.ok()) << created.error_message();
    EXPECT_GE(stream.durable().byte_offset(),
              static_cast<int64_t>(writers_[0].acknowledged));
    std::thread writer([&] { writers_[0].Append(address); });
    std::string health;
    std::thread watcher([&] { health = WatchHealth(address, /*stays=*/true); });
    absl::SleepFor(absl::Milliseconds(200));
    kill((*server)->pid(), SIGTERM);
    absl::SleepFor(absl::Milliseconds(200));
    const absl::Time begin = absl::Now();
    EXPECT_EQ((*server)->Terminate(), 128 + SIGTERM);
    EXPECT_LT(absl::Now() - begin, absl::Seconds(1));
    writer.join();
    watcher.join();
    EXPECT_EQ(health, "12");
    EXPECT_EQ(writers_[0].error, "");
    EXPECT_GT(writers_[0].acknowledged, 0u);
  }
}

}  // namespace
}  // namespace oxbow
