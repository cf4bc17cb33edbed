// Ten times as many requests as a server can do: what it takes it does as fast
// as ever, and it tells the others at once when to try again.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "base/soak.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "oxbow/v1/streams.grpc.pb.h"
#include "tests/testing/random_text.h"
#include "tests/testing/served_model.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {
namespace {

// So many requests run at once, and so many Append calls.
constexpr int kSeats = 4;
constexpr int kClients = 10 * kSeats;

// What is promised on a machine that does nothing else, as in a soak. Of the
// seconds of a quick run other programs may have most.
double GoodputWanted() { return Soaked(1) > 1 ? 0.7 : 0.1; }
double RefusalSeconds() { return Soaked(1) > 1 ? 0.1 : 2; }

struct Tally {
  int64_t done = 0;
  int64_t refused = 0;
  double seconds = 0;                 // of the whole
  std::vector<double> refusals_took;  // seconds
  std::vector<std::string> faults;

  double rate() const { return done / seconds; }
  void Add(const Tally& other) {
    done += other.done;
    refused += other.refused;
    seconds += other.seconds;
    refusals_took.insert(refusals_took.end(), other.refusals_took.begin(),
                         other.refusals_took.end());
    faults.insert(faults.end(), other.faults.begin(), other.faults.end());
  }
};

// "" if a refusal is as it should be.
std::string FaultOf(const grpc::Status& status, const std::string& reason) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  google::rpc::RetryInfo retry;
  bool has_retry = false;
  details.ParseFromString(status.error_details());
  for (const auto& any : details.details()) {
    any.UnpackTo(&info);
    has_retry = any.UnpackTo(&retry) || has_retry;
  }
  if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED &&
      has_retry && info.reason() == reason) {
    return "";
  }
  return absl::StrCat("refused with ", status.error_code(), " ", info.reason(),
                      ": ", status.error_message());
}

class OverloadTest : public testing::Test {
 protected:
  // Of one client: does one request; what it was told.
  using Work = std::function<grpc::Status(v1::Streams::Stub*, int client)>;

  OverloadTest() {
    served_.Create("book");
    served_.Append("book", "Once upon a time");
  }

  static std::string WriteModel() {
    const std::string path = testing::TempDir() + "/overload.safetensors";
    TinyModelOptions options;
    options.layers = 4;
    options.width = 256;
    options.head_size = 64;
    OXBOW_CHECK_OK(WriteTinyModel(options, path));
    return path;
  }

  // `clients` at work for that long. Each offers a request as often as the
  // seats are free at their best: `pace` seconds apart, 0: one after another.
  Tally Offer(int clients, absl::Duration duration, double pace,
              const std::string& reason, const Work& work) {
    absl::Mutex mu;
    Tally sum;
    const absl::Time begin = absl::Now();
    const absl::Time end = begin + duration;
    std::vector<std::thread> threads;
    for (int client = 0; client < clients; ++client) {
      threads.emplace_back([&, client] {
        const auto stub = v1::Streams::NewStub(grpc::CreateChannel(
            served_.address(), grpc::InsecureChannelCredentials()));
        Tally tally;
        // Not all at once.
        absl::SleepFor(absl::Seconds(pace * client / clients));
        for (absl::Time now = absl::Now(); now < end; now = absl::Now()) {
          const grpc::Status status = work(stub.get(), client);
          const double took = absl::ToDoubleSeconds(absl::Now() - now);
          if (status.ok()) {
            ++tally.done;
          } else {
            ++tally.refused;
            tally.refusals_took.push_back(took);
            const std::string fault = FaultOf(status, reason);
            if (!fault.empty()) tally.faults.push_back(fault);
          }
          if (took < pace) absl::SleepFor(absl::Seconds(pace - took));
        }
        absl::MutexLock lock(&mu);
        sum.Add(tally);
      });
    }
    for (std::thread& thread : threads) thread.join();
    sum.seconds = absl::ToDoubleSeconds(absl::Now() - begin);
    return sum;
  }

  // A little of what the server can do, then ten times as much, by turns.
  void ExpectItHolds(const std::string& reason, const Work& work) {
    Tally peak, flood;
    const int rounds = Soaked(3);
    for (int i = 0; i < rounds; ++i) {
      peak.Add(Offer(kSeats, absl::Seconds(0.7), 0, reason, work));
      flood.Add(Offer(kClients, absl::Seconds(0.7), kSeats / peak.rate(),
                      reason, work));
    }
    std::vector<double>& took = flood.refusals_took;
    std::sort(took.begin(), took.end());
    ASSERT_GT(took.size(), 20u);
    const double p99 = took[took.size() * 99 / 100];
    std::cout << reason << ": " << peak.rate() << " a second at most, offered "
              << (flood.done + flood.refused) / flood.seconds << ", done "
              << flood.rate() << " (" << 100 * flood.rate() / peak.rate()
              << " %); " << flood.refused << " refused, within "
              << took[took.size() / 2] * 1e3 << " ms, p99 " << p99 * 1e3
              << " ms, at most " << took.back() * 1e3 << " ms\n";
    EXPECT_EQ(peak.refused, 0);
    EXPECT_GT(flood.refused, flood.done);
    EXPECT_GE(flood.rate(), GoodputWanted() * peak.rate());
    EXPECT_LT(p99, RefusalSeconds());
    EXPECT_TRUE(flood.faults.empty())
        << flood.faults.size() << " faults, " << flood.faults[0];
  }

  ServedModel served_{{absl::StrCat("--model=", WriteModel()),
                       "--tokenizer=bytes",
                       absl::StrCat("--running-requests=", kSeats),
                       absl::StrCat("--append-calls=", kSeats)}};
};

TEST_F(OverloadTest, GenerationsGoOn) {
  ExpectItHolds("TOO_MANY_REQUESTS", [](v1::Streams::Stub* stub, int) {
    grpc::ClientContext context;
    v1::GenerateRequest request;
    request.set_stream_id("book");
    request.set_max_tokens(60);
    request.set_ignore_end_of_document(true);
    const auto call = stub->Generate(&context, request);
    v1::GenerateResponse response;
    int tokens = 0;
    while (call->Read(&response)) tokens += response.has_token();
    const grpc::Status status = call->Finish();
    EXPECT_EQ(tokens, status.ok() ? 60 : 0);
    return status;
  });
}

// Documents in pieces; nothing of those that were refused is there.
TEST_F(OverloadTest, DocumentsAreTakenWholeOrNotAtAll) {
  std::mt19937_64 random(1);
  const std::string piece = RandomText(40, &random);
  std::vector<int64_t> taken(kClients, 0);
  std::vector<std::string> names;
  for (int i = 0; i < kClients; ++i) {
    names.push_back(absl::StrCat("document", i));
    served_.Create(names.back());
  }
  ExpectItHolds("TOO_MANY_APPENDS", [&](v1::Streams::Stub* stub, int client) {
    grpc::ClientContext context;
    const auto call = stub->Append(&context);
    v1::AppendRequest request;
    request.mutable_open()->set_stream_id(names[client]);
    call->Write(request);
    for (int i = 0; i < 5; ++i) {
      request.mutable_chunk()->set_text(piece);
      if (!call->Write(request)) break;
    }
    call->WritesDone();
    v1::AppendResponse response;
    while (call->Read(&response)) {
    }
    const grpc::Status status = call->Finish();
    if (status.ok()) ++taken[client];
    return status;
  });
  std::string document;
  for (int i = 0; i < 5; ++i) document += piece;
  for (int i = 0; i < kClients; ++i) {
    std::string wanted;
    for (int64_t j = 0; j < taken[i]; ++j) wanted += document;
    EXPECT_EQ(served_.Text(names[i]), wanted) << names[i];
  }
}

}  // namespace
}  // namespace oxbow
