// An oracle outside the server: it keeps its own record of what was
// acknowledged, kills the server at random times, and holds what comes back
// against it.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/soak.h"
#include "gtest/gtest.h"
#include "oxbow/v1/streams.grpc.pb.h"
#include "tests/testing/random_text.h"
#include "tests/testing/served_model.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

constexpr int kStreams = 8;

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
  // Appends until the text's end or until the server is gone.
  void Append(Client* client, bool* whole) {
    grpc::ClientContext context;
    const auto call = served_.streams().Append(&context);
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

  // The state's, once all is applied.
  std::string DigestOf(const std::string& name) {
    return served_.Get(name).state_digest();
  }

  ServedModel served_{
      {absl::StrCat("--model=", WriteTestModel(/*embedder=*/false))}};
};

TEST_F(KillTest, NothingAcknowledgedIsLostAndStatesAreExact) {
  const uint64_t seed = SoakSeed(20261121);
  const size_t text_bytes = Soaked(60000);
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  std::vector<Client> clients(kStreams);
  for (int i = 0; i < kStreams; ++i) {
    clients[i].name = absl::StrCat("stream", i);
    clients[i].random.seed(seed + i);
    clients[i].text = RandomText(text_bytes, &clients[i].random);
    served_.Create(clients[i].name);
  }
  const int kills_wanted = Soaked(50);
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
    const bool killing = kills < kills_wanted;
    if (killing) {
      absl::SleepFor(absl::Milliseconds(random() % 120));
      served_.Kill();
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
    served_.Start();
  }
  int unknown = 0;
  for (Client& client : clients) {
    unknown += client.unknown_but_durable;
    EXPECT_EQ(served_.Text(client.name), client.text);
    Client uninterrupted;
    uninterrupted.name = absl::StrCat(client.name, ".whole");
    uninterrupted.text = client.text;
    served_.Create(uninterrupted.name);
    bool whole = false;
    Append(&uninterrupted, &whole);
    ASSERT_TRUE(whole) << uninterrupted.error;
    EXPECT_EQ(DigestOf(client.name), DigestOf(uninterrupted.name));
  }
  std::cout << kills << " kills, " << kStreams << " streams of " << text_bytes
            << " bytes: 0 acknowledged bytes lost; " << unknown
            << " times more was durable than acknowledged\n";
  served_.Drain();
}

}  // namespace
}  // namespace oxbow
