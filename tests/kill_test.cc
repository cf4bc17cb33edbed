// An oracle outside the server: it keeps its own record of what was
// acknowledged, kills the server at random times, and holds what comes back
// against it.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "oxbow/v1/streams.grpc.pb.h"
#include "tests/testing/random_text.h"
#include "tests/testing/server_process.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

constexpr int kStreams = 8;
constexpr int kKills = 50;
constexpr size_t kTextBytes = 60000;
constexpr uint64_t kSeed = 20261121;

// One client: its text, and what it was promised.
struct Client {
  std::string name;
  std::string text;
  uint64_t acknowledged = 0;
  int unknown_but_durable = 0;
  std::string error;  // the first promise that was broken
  std::mt19937_64 random;
};

class KillTest : public testing::Test {
 protected:
  using Stub = v1::Streams::Stub;

  KillTest() : model_(WriteTestModel(false)) {
    store_ = absl::StrCat(std::getenv("TEST_TMPDIR"), "/killed");
    Start();
  }

  void Start() {
    auto server = ServerProcess::Start(
        {absl::StrCat("--model=", model_), absl::StrCat("--store=", store_)});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    stub_ = v1::Streams::NewStub(grpc::CreateChannel(
        server_->address(), grpc::InsecureChannelCredentials()));
  }

  void Create(const std::string& name) {
    grpc::ClientContext context;
    v1::CreateStreamRequest request;
    request.set_stream_id(name);
    v1::Stream stream;
    const grpc::Status status = stub_->CreateStream(&context, request, &stream);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  // Appends until the text's end or until the server is gone.
  void Append(Client* client, bool* whole) {
    grpc::ClientContext context;
    const auto call = stub_->Append(&context);
    v1::AppendRequest request;
    request.mutable_open()->set_stream_id(client->name);
    request.mutable_open()->mutable_last_durable()->set_byte_offset(
        client->acknowledged);
    v1::AppendResponse response;
    *whole = false;
    if (call->Write(request) && call->Read(&response)) {
      const uint64_t durable = response.ack().durable().byte_offset();
      if (durable < client->acknowledged) {
        client->error = absl::StrCat("told ", client->acknowledged,
                                     " bytes, found ", durable);
      }
      if (durable > client->acknowledged) ++client->unknown_but_durable;
      client->acknowledged = durable;
      SendRest(client, call.get());
    }
    call->WritesDone();
    while (call->Read(&response)) {
      client->acknowledged = response.ack().durable().byte_offset();
    }
    const grpc::Status status = call->Finish();
    *whole = status.ok() && client->acknowledged == client->text.size();
    if (!status.ok() && status.error_code() != grpc::StatusCode::UNAVAILABLE) {
      client->error = status.error_message();
    }
  }

  // Several chunks on the way at a time, acknowledgements in between.
  void SendRest(
      Client* client,
      grpc::ClientReaderWriter<v1::AppendRequest, v1::AppendResponse>* call) {
    uint64_t sent = client->acknowledged;
    v1::AppendResponse response;
    while (sent < client->text.size()) {
      const int ahead = 1 + client->random() % 4;
      for (int i = 0; i < ahead && sent < client->text.size(); ++i) {
        v1::AppendRequest request;
        const size_t bytes = std::min<size_t>(client->text.size() - sent,
                                              1 + client->random() % 300);
        request.mutable_chunk()->set_text(client->text.substr(sent, bytes));
        request.mutable_chunk()->mutable_position()->set_byte_offset(sent);
        if (!call->Write(request)) return;
        sent += bytes;
      }
      while (client->acknowledged < sent) {
        if (!call->Read(&response)) return;
        client->acknowledged = response.ack().durable().byte_offset();
      }
    }
  }

  std::string DigestOf(const std::string& name) {
    grpc::ClientContext context;
    v1::GetStreamRequest request;
    request.set_stream_id(name);
    request.set_view(v1::GetStreamRequest::VIEW_FULL);
    v1::Stream stream;
    const grpc::Status status = stub_->GetStream(&context, request, &stream);
    return status.ok() ? stream.state_digest() : status.error_message();
  }

  std::string TextOf(const std::string& name) {
    grpc::ClientContext context;
    v1::ReadTextRequest request;
    request.set_stream_id(name);
    const auto call = stub_->ReadText(&context, request);
    v1::ReadTextResponse response;
    std::string text;
    while (call->Read(&response)) text += response.text();
    return text;
  }

  const std::string model_;
  std::string store_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Stub> stub_;
};

TEST_F(KillTest, NothingAcknowledgedIsLostAndStatesAreExact) {
  std::cout << "seed " << kSeed << "\n";
  std::mt19937_64 random(kSeed);
  std::vector<Client> clients(kStreams);
  for (int i = 0; i < kStreams; ++i) {
    clients[i].name = absl::StrCat("stream", i);
    clients[i].random.seed(kSeed + i);
    clients[i].text = RandomText(kTextBytes, &clients[i].random);
    Create(clients[i].name);
  }
  int kills = 0;
  while (true) {
    std::atomic<int> whole{0};
    std::vector<std::thread> threads;
    for (Client& client : clients) {
      threads.emplace_back([this, &client, &whole]() {
        bool done = false;
        Append(&client, &done);
        if (done) ++whole;
      });
    }
    const bool killing = kills < kKills;
    if (killing) {
      absl::SleepFor(absl::Milliseconds(random() % 120));
      server_->Kill();
      ++kills;
    }
    for (std::thread& thread : threads) thread.join();
    for (const Client& client : clients) {
      ASSERT_EQ(client.error, "") << client.name << " after kill " << kills;
    }
    if (!killing) {
      ASSERT_EQ(whole, kStreams);
      break;
    }
    Start();
  }
  int unknown = 0;
  for (Client& client : clients) {
    unknown += client.unknown_but_durable;
    EXPECT_EQ(TextOf(client.name), client.text);
    Client uninterrupted;
    uninterrupted.name = absl::StrCat(client.name, ".whole");
    uninterrupted.text = client.text;
    Create(uninterrupted.name);
    bool whole = false;
    Append(&uninterrupted, &whole);
    ASSERT_TRUE(whole) << uninterrupted.error;
    EXPECT_EQ(DigestOf(client.name), DigestOf(uninterrupted.name));
  }
  std::cout << kills << " kills, " << kStreams << " streams of " << kTextBytes
            << " bytes: 0 acknowledged bytes lost; " << unknown
            << " times more was durable than acknowledged\n";
  EXPECT_EQ(server_->Terminate(), 0);
}

}  // namespace
}  // namespace oxbow
