// A real server whose small disk fills up, again and again: what was
// acknowledged stays, what needs no room goes on, and once there is room again
// everything does.
#include "tests/testing/small_disk.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/soak.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "oxbow/v1/streams.grpc.pb.h"
#include "tests/testing/random_text.h"
#include "tests/testing/served_model.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

using grpc::StatusCode;

constexpr int kStreams = 4;
constexpr uint64_t kDiskBytes = 64 << 20;
constexpr uint64_t kKeptFreeBytes = 8 << 20;
constexpr size_t kPieceBytes = 2000;  // what a stream gets at a time
constexpr int kSpanTokens = 16;
// Everything goes on so soon after there is room again.
constexpr absl::Duration kRecoveryMax = absl::Seconds(5);

// What makes the disk full.
enum class Fill {
  kWhileItAppends,  // nothing is left any more, in the middle of writes
  kPastTheLimit,    // less is left than is kept free
  kToTheLastByte,   // nothing is left
};
constexpr int kFills = 3;

// Somebody who has asked for more than he reads: his call keeps the stream in
// use for as long as he lives.
class SlowReader {
 public:
  SlowReader(v1::Streams::Stub* streams, const std::string& stream) {
    v1::GenerateRequest request;
    request.set_stream_id(stream);
    request.set_branches(8);
    request.set_max_tokens(4096);
    request.set_ignore_end_of_document(true);
    call_ = streams->Generate(&context_, request);
    v1::GenerateResponse response;
    EXPECT_TRUE(call_->Read(&response));
  }
  ~SlowReader() {
    context_.TryCancel();
    v1::GenerateResponse response;
    while (call_->Read(&response)) {
    }
    EXPECT_FALSE(call_->Finish().ok()) << "he was quick enough";
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::GenerateResponse>> call_;
};

// One client: its text, and what it was promised.
struct Client {
  std::string name;
  std::string text;
  uint64_t acknowledged = 0;
  std::mt19937_64 random;
};

template <typename Detail>
bool Has(const grpc::Status& status, Detail* detail) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  for (const auto& any : details.details()) {
    if (any.UnpackTo(detail)) return true;
  }
  return false;
}

// Whether a call was refused as errors.md has it for a full disk.
testing::AssertionResult IsStorageFull(const grpc::Status& status) {
  google::rpc::ErrorInfo info;
  google::rpc::RetryInfo retry;
  if (status.error_code() == StatusCode::RESOURCE_EXHAUSTED &&
      Has(status, &info) && info.reason() == "STORAGE_FULL" &&
      Has(status, &retry)) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << status.error_code() << " " << info.reason() << ": "
         << status.error_message();
}

class SmallDiskTest : public testing::Test {
 protected:
  // Before there are threads.
  static void SetUpTestSuite() {
    auto mounted = SmallDisk::Mount(
        absl::StrCat(std::getenv("TEST_TMPDIR"), "/small_disk"), kDiskBytes);
    if (mounted.ok()) disk_ = mounted->release();
    why_not_ = std::string(mounted.status().message());
  }
  static void TearDownTestSuite() {
    delete disk_;
    disk_ = nullptr;
  }

  void Start() {
    std::cout << "seed " << seed_ << "\n";
    served_ = std::make_unique<ServedModel>(
        std::vector<std::string>{
            absl::StrCat("--model=", WriteTestModel(/*embedder=*/false)),
            absl::StrCat("--keep-free=", kKeptFreeBytes), "--store-memory=3MB",
            "--checkpoint-tokens=256"},
        disk_->path());
    clients_.resize(kStreams);
    for (int i = 0; i < kStreams; ++i) {
      clients_[i].name = absl::StrCat("stream", i);
      clients_[i].random.seed(seed_ + i);
      served_->Create(clients_[i].name, i == 0 ? kSpanTokens : 0);
    }
  }

  // Appends what the client has beyond what it was promised, `more` bytes of
  // new text with it.
  grpc::Status Append(Client* client, size_t more) {
    client->text += RandomText(more, &client->random);
    grpc::ClientContext context;
    const auto call = served_->streams().Append(&context);
    v1::AppendRequest request;
    request.mutable_open()->set_stream_id(client->name);
    request.mutable_open()->mutable_last_durable()->set_byte_offset(
        client->acknowledged);
    v1::AppendResponse response;
    bool goes_on = call->Write(request) && call->Read(&response);
    if (goes_on) Take(response, client);
    for (uint64_t sent = client->acknowledged;
         goes_on && sent < client->text.size();) {
      const size_t bytes = std::min<size_t>(client->text.size() - sent,
                                            1 + client->random() % 500);
      request.mutable_chunk()->set_text(client->text.substr(sent, bytes));
      request.mutable_chunk()->mutable_position()->set_byte_offset(sent);
      goes_on = call->Write(request);
      sent += bytes;
    }
    call->WritesDone();
    while (call->Read(&response)) Take(response, client);
    return call->Finish();
  }
  static void Take(const v1::AppendResponse& response, Client* client) {
    const uint64_t durable = response.ack().durable().byte_offset();
    EXPECT_GE(durable, client->acknowledged) << client->name;
    client->acknowledged = durable;
  }

  // Returns once the disk is full.
  void FillUp(Fill fill) {
    if (fill == Fill::kPastTheLimit) {
      return disk_->LeaveFree(kKeptFreeBytes - (64 << 10));
    }
    if (fill == Fill::kToTheLastByte) return disk_->LeaveFree(0);
    std::thread writer([this] {
      grpc::Status status;
      while (status.ok()) status = Append(&clients_[0], 10 * kPieceBytes);
      EXPECT_TRUE(IsStorageFull(status));
    });
    absl::SleepFor(absl::Milliseconds(clients_[0].random() % 50));
    disk_->LeaveFree(0);
    writer.join();
  }

  // Every call but Append while the disk is full, `first` the first of them.
  void CallAll(int first, Fill fill);
  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::Streams::Stub::*method)(
                        grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    return (served_->streams().*method)(&context, request, response);
  }
  grpc::Status Delete(const std::string& name) {
    v1::DeleteStreamRequest request;
    request.set_stream_id(name);
    google::protobuf::Empty empty;
    return Call(&v1::Streams::Stub::DeleteStream, request, &empty);
  }
  grpc::Status Export(const std::string& name, std::string* file) {
    grpc::ClientContext context;
    v1::ExportStateRequest request;
    request.set_stream_id(name);
    const auto call = served_->streams().ExportState(&context, request);
    v1::ExportStateResponse response;
    while (call->Read(&response)) *file += response.data();
    return call->Finish();
  }
  grpc::Status Import(const std::string& file, const std::string& name) {
    grpc::ClientContext context;
    v1::Stream stream;
    const auto call = served_->streams().ImportState(&context, &stream);
    v1::ImportStateRequest request;
    request.mutable_create()->set_stream_id(name);
    call->Write(request);
    request.set_data(file);
    call->Write(request);
    call->WritesDone();
    return call->Finish();
  }

  // Until every stream has taken what it was refused; how long that took.
  absl::Duration Recover() {
    const absl::Time begin = absl::Now();
    for (Client& client : clients_) {
      grpc::Status status = Append(&client, 0);
      while (!status.ok() && absl::Now() - begin < kRecoveryMax) {
        EXPECT_TRUE(IsStorageFull(status));
        absl::SleepFor(absl::Milliseconds(20));
        status = Append(&client, 0);
      }
      EXPECT_TRUE(status.ok()) << status.error_message();
      EXPECT_EQ(client.acknowledged, client.text.size());
    }
    return absl::Now() - begin;
  }

  void Cycle(int cycle);
  // What stands there is what was sent, and its states and vectors are those of
  // a stream that was never refused.
  void CompareWithUninterrupted();

  static SmallDisk* disk_;
  static std::string why_not_;
  const uint64_t seed_ = SoakSeed(64);
  std::unique_ptr<ServedModel> served_;
  std::vector<Client> clients_;
  absl::Duration slowest_;
  int refused_ = 0;
};

SmallDisk* SmallDiskTest::disk_ = nullptr;
std::string SmallDiskTest::why_not_;

void SmallDiskTest::CallAll(int first, Fill fill) {
  const Client& client = clients_[1];
  const std::string& name = client.name;
  // What is added is refused; what is removed needs a little room, too.
  const auto adds = [this](const grpc::Status& status) {
    EXPECT_TRUE(IsStorageFull(status));
    ++refused_;
  };
  const std::vector<std::function<void()>> calls = {
      [&] {
        EXPECT_EQ(served_->Get(name).durable().byte_offset(),
                  client.acknowledged);
      },
      [&] {
        EXPECT_EQ(served_->Text(name),
                  client.text.substr(0, client.acknowledged));
      },
      [&] {
        v1::EmbedRequest request;
        request.mutable_texts()->add_texts("a text of one's own");
        EXPECT_EQ(served_->Embed(request).embeddings_size(), 1);
      },
      [&] {
        v1::GenerateRequest request;
        request.set_stream_id(name);
        request.set_max_tokens(4);
        request.set_ignore_end_of_document(true);
        EXPECT_EQ(served_->Generate(request).tokens.size(), 4u);
      },
      [&] {
        v1::ScoreRequest request;
        request.set_stream_id(name);
        request.mutable_texts()->add_texts("and then");
        EXPECT_EQ(served_->Score(request).scores_size(), 1);
      },
      [&] { EXPECT_FALSE(served_->Timeline(clients_[0].name).empty()); },
      [&] {
        std::string file;
        EXPECT_TRUE(Export(name, &file).ok());
        adds(Import(file, "imported"));
      },
      [&] {
        v1::CreateStreamRequest request;
        request.set_stream_id("another");
        v1::Stream stream;
        adds(Call(&v1::Streams::Stub::CreateStream, request, &stream));
      },
      [&] {
        v1::ForkRequest request;
        request.set_stream_id(name);
        request.set_new_stream_id("fork");
        v1::Stream stream;
        adds(Call(&v1::Streams::Stub::Fork, request, &stream));
      },
      [&] {
        v1::CheckpointRequest request;
        request.set_stream_id(name);
        request.set_label("here");
        v1::CheckpointInfo info;
        adds(Call(&v1::Streams::Stub::Checkpoint, request, &info));
      },
      [&] {
        const grpc::Status status = Delete("victim");
        if (!status.ok()) {
          EXPECT_NE(fill, Fill::kPastTheLimit);
          EXPECT_TRUE(IsStorageFull(status));
        }
      },
      [&] {
        for (Client& each : clients_) adds(Append(&each, kPieceBytes));
      },
  };
  const int count = static_cast<int>(calls.size());
  for (int i = 0; i < count; ++i) {
    SCOPED_TRACE(absl::StrCat("call ", (first + i) % count));
    calls[(first + i) % count]();
  }
}

void SmallDiskTest::Cycle(int cycle) {
  SCOPED_TRACE(absl::StrCat("cycle ", cycle));
  const Fill fill = static_cast<Fill>(cycle % kFills);
  served_->Create("victim");
  for (Client& client : clients_) {
    const grpc::Status status = Append(&client, kPieceBytes);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  auto slow_reader =
      std::make_unique<SlowReader>(&served_->streams(), clients_[0].name);
  FillUp(fill);
  CallAll(cycle, fill);
  if (cycle % 5 == 2) served_->Kill();
  disk_->GiveBack();
  if (cycle % 5 == 2) served_->Start();
  slowest_ = std::max(slowest_, Recover());
  slow_reader.reset();
  const StatusCode gone = Delete("victim").error_code();
  EXPECT_TRUE(gone == StatusCode::OK || gone == StatusCode::NOT_FOUND);
}

void SmallDiskTest::CompareWithUninterrupted() {
  for (Client& client : clients_) {
    EXPECT_EQ(served_->Text(client.name), client.text);
    Client whole;
    whole.name = absl::StrCat(client.name, ".whole");
    whole.text = client.text;
    const bool has_spans = &client == &clients_[0];
    served_->Create(whole.name, has_spans ? kSpanTokens : 0);
    const grpc::Status status = Append(&whole, 0);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(served_->Get(client.name).state_digest(),
              served_->Get(whole.name).state_digest());
    if (!has_spans) continue;
    const auto spans = served_->Timeline(client.name);
    const auto expected = served_->Timeline(whole.name);
    ASSERT_EQ(spans.size(), expected.size());
    for (size_t i = 0; i < spans.size(); ++i) {
      EXPECT_EQ(spans[i].SerializeAsString(), expected[i].SerializeAsString())
          << "span " << i;
    }
  }
}

TEST_F(SmallDiskTest, FillsUpAndGoesOn) {
  if (disk_ == nullptr) GTEST_SKIP() << why_not_;
  Start();
  const int cycles = Soaked(3);
  for (int cycle = 0; cycle < cycles && !HasFatalFailure(); ++cycle) {
    Cycle(cycle);
  }
  served_->CrashAndRestart();
  CompareWithUninterrupted();
  std::cout << cycles << " times full: " << refused_
            << " calls refused, 0 acknowledged bytes lost; all streams went on "
            << "within " << slowest_ << "\n";
  served_->Drain();
}

}  // namespace
}  // namespace oxbow
