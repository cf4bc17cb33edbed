// Generations over a server that is killed again and again: what a client puts
// together from the pieces is what an uninterrupted one gives.
#include <grpcpp/grpcpp.h>

#include <iostream>
#include <map>
#include <random>
#include <set>
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

constexpr int kBranches = 2;

// What a client has put together so far.
struct Received {
  std::vector<std::vector<int>> ids = std::vector<std::vector<int>>(kBranches);
  std::vector<std::string> text = std::vector<std::string>(kBranches);
  std::map<int, v1::FinishedBranch> finished;
  bool begun = false;
  std::string error;  // a token lost or doubled, or another refusal
  int pieces = 0;     // calls that told tokens

  void Take(const v1::GeneratedToken& token) {
    std::vector<int>& branch = ids[token.branch()];
    if (token.index() != static_cast<int>(branch.size())) {
      error = absl::StrCat("branch ", token.branch(), ": token ", token.index(),
                           " after ", branch.size());
    }
    branch.push_back(token.token());
    text[token.branch()] += token.text();
  }
};

class ResumeKillTest : public testing::Test {
 protected:
  // Calls until it is whole or the server is gone; true: whole.
  bool Generate(v1::GenerateRequest request, Received* received) {
    if (received->begun) {
      request.mutable_resume();
      for (const auto& branch : received->ids) {
        request.mutable_resume()->add_from_index(branch.size());
      }
    }
    grpc::ClientContext context;
    const auto call = served_.streams().Generate(&context, request);
    v1::GenerateResponse response;
    bool told = false;
    while (call->Read(&response)) {
      received->begun = true;
      if (response.has_token()) {
        received->Take(response.token());
        told = true;
      } else if (response.has_finished()) {
        received->finished[response.finished().branch()] = response.finished();
      }
    }
    received->pieces += told;
    const grpc::Status status = call->Finish();
    if (!status.ok() && status.error_code() != grpc::StatusCode::UNAVAILABLE) {
      received->error = status.error_message();
    }
    return status.ok();
  }

  ServedModel served_{
      {absl::StrCat("--model=", WriteTestModel(/*embedder=*/false))}};
};

TEST_F(ResumeKillTest, TheTextIsThatOfAnUninterruptedOne) {
  const uint64_t seed = SoakSeed(20261121);
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  const int kills_wanted = Soaked(20);
  int kills = 0, generations = 0, commits = 0, in_pieces = 0;
  served_.Create("doc");
  served_.Append("doc", RandomText(3000, &random));
  while (kills < kills_wanted) {
    const bool commits_it = generations % 3 == 2;
    v1::GenerateRequest request;
    request.set_branches(commits_it ? 1 : kBranches);
    request.set_max_tokens(400 + random() % 800);
    request.set_ignore_end_of_document(true);
    request.mutable_sampling()->set_seed(random());
    request.mutable_sampling()->set_top_p(1);
    request.mutable_sampling()->set_frequency_penalty(0.3f);
    request.set_prompt_text(RandomText(random() % 40, &random));
    // The reference, on a stream that ends where this one does now.
    const std::string twin = absl::StrCat("twin", generations);
    served_.Fork("doc", v1::At(), twin);
    request.set_stream_id(twin);
    const ServedGeneration whole = served_.Generate(request);
    std::vector<std::vector<int>> wanted(kBranches);
    for (const v1::GeneratedToken& token : whole.tokens) {
      wanted[token.branch()].push_back(token.token());
    }

    request.set_stream_id("doc");
    request.set_commit(commits_it);
    request.set_request_id(absl::StrCat("generation", generations));
    Received received;
    bool done = false;
    int kills_here = 0;
    while (!done && received.error.empty()) {
      std::thread client([&]() { done = Generate(request, &received); });
      const bool killing = kills < kills_wanted && kills_here < 3;
      if (killing) {
        absl::SleepFor(absl::Milliseconds(random() % 200));
        served_.Kill();
        ++kills;
        ++kills_here;
      }
      client.join();
      if (!killing) break;
      served_.Start();
      // The stream goes on meanwhile, unless its end is waited for, or nothing
      // has begun yet: that would begin at the new end.
      if (!commits_it && received.begun) {
        served_.Append("doc", RandomText(50, &random));
      }
    }
    ASSERT_EQ(received.error, "") << request.request_id();
    ASSERT_TRUE(done) << request.request_id();
    ASSERT_EQ(received.ids, wanted) << request.request_id();
    ASSERT_EQ(received.finished.size(),
              static_cast<size_t>(request.branches()));
    for (const auto& [branch, finished] : received.finished) {
      EXPECT_EQ(finished.text(), received.text[branch]);
      EXPECT_EQ(finished.tokens(), static_cast<int>(wanted[branch].size()));
    }
    if (commits_it) {
      ++commits;
      const std::string prompt = request.prompt_text();
      v1::GenerateRequest reference = request;
      reference.set_stream_id(twin);
      served_.Generate(reference);
      EXPECT_EQ(served_.Get("doc").state_digest(),
                served_.Get(twin).state_digest())
          << request.request_id();
    }
    in_pieces += received.pieces > 1;
    ++generations;
  }
  std::cout << kills << " kills, " << generations << " generations, "
            << in_pieces << " of them in pieces, " << commits
            << " committed: no token lost, doubled or other\n";
  EXPECT_GT(in_pieces, 0) << "no kill hit a generation";
  served_.Drain();
}

}  // namespace
}  // namespace oxbow
