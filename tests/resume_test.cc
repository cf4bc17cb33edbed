// A generation with an id is gone on with, whatever happened since: the same
// tokens, each once.
#include <atomic>
#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "engine/error_reason.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

// Leaves, or does something else, after so many tokens.
class Leaver : public GenerateObserver {
 public:
  Leaver(int tokens, std::function<void()> leave)
      : left_(tokens), leave_(std::move(leave)) {}

  void OnStart(const Point& point) override { text_.point = point; }
  void OnToken(const GeneratedToken& token) override {
    text_.tokens.push_back(token);
    if (--left_ == 0) leave_();
  }
  void OnBranch(const FinishedBranch& branch) override {
    text_.branches.push_back(branch);
  }
  void OnDone(const absl::Status& status) override {
    status_ = status;
    done_.Notify();
  }
  absl::Status Wait() {
    done_.WaitForNotification();
    return status_;
  }
  const GeneratedText& text() const { return text_; }

 private:
  int left_;
  const std::function<void()> leave_;
  GeneratedText text_;
  absl::Status status_;
  absl::Notification done_;
};

class ResumeTest : public testing::Test {
 protected:
  ResumeTest() {
    Restart();
    EXPECT_TRUE(engine_->Create("doc").ok());
    EXPECT_TRUE(
        engine_->AppendText("doc", RandomText(700, &random_) + "\xc3").ok());
  }

  void Restart() {
    engine_.reset();
    SyncEngine::Options options;
    options.engine.checkpoint_tokens = 64;
    auto started = SyncEngine::Start(options, &store_);
    ASSERT_TRUE(started.ok()) << started.status();
    engine_ = *std::move(started);
  }

  // With everything that a token may depend on.
  static GenerateRequest Request(const std::string& id) {
    GenerateRequest request;
    request.name.stream = "doc";
    request.prompt = "abc";
    request.branches = 2;
    request.tokens_max = 40;
    request.sampling.seed = 5;
    request.sampling.top_p = 1;
    request.sampling.temperature = 1.2f;
    request.sampling.presence_penalty = 0.5f;
    request.sampling.frequency_penalty = 0.5f;
    request.sampling.penalty_decay = 0.9f;
    request.sampling.logit_bias = {{3, -INFINITY}, {7, 1.5f}};
    request.stops = {"\n\n"};
    request.ignore_end_of_document = true;
    request.request_id = id;
    return request;
  }

  static GenerateRequest Resume(const std::string& id,
                                std::vector<int> from = {}) {
    GenerateRequest request;
    request.name.stream = "doc";
    request.request_id = id;
    request.resume = true;
    request.from_index = std::move(from);
    return request;
  }

  // Begins one and leaves it after so many tokens; what was told by then.
  GeneratedText Interrupted(GenerateRequest request, int tokens) {
    request.cancelled = std::make_shared<std::atomic<bool>>(false);
    Leaver leaver(tokens, [&request]() { *request.cancelled = true; });
    engine_->engine().Generate(request, &leaver);
    EXPECT_EQ(leaver.Wait().code(), absl::StatusCode::kCancelled);
    return leaver.text();
  }

  static std::vector<int> Ids(const GeneratedText& text, int branch) {
    std::vector<int> ids;
    for (const GeneratedToken& token : text.tokens) {
      if (token.branch == branch) ids.push_back(token.id);
    }
    return ids;
  }

  // `rest` is what `whole` is from these indices on.
  static void ExpectRest(const GeneratedText& whole, const GeneratedText& rest,
                         std::vector<int> from) {
    EXPECT_EQ(rest.point.position, whole.point.position);
    EXPECT_EQ(rest.point.token_offset, whole.point.token_offset);
    from.resize(whole.branches.size());
    ASSERT_EQ(rest.branches.size(), whole.branches.size());
    for (size_t branch = 0; branch < whole.branches.size(); ++branch) {
      std::vector<GeneratedToken> wanted;
      std::vector<GeneratedToken> told;
      for (const GeneratedToken& token : whole.tokens) {
        if (token.branch != static_cast<int>(branch)) continue;
        if (token.index >= from[branch]) wanted.push_back(token);
      }
      for (const GeneratedToken& token : rest.tokens) {
        if (token.branch == static_cast<int>(branch)) told.push_back(token);
      }
      ASSERT_EQ(told.size(), wanted.size()) << "branch " << branch;
      for (size_t i = 0; i < told.size(); ++i) {
        EXPECT_EQ(told[i].index, wanted[i].index);
        EXPECT_EQ(told[i].id, wanted[i].id);
        EXPECT_EQ(told[i].bytes, wanted[i].bytes);
        EXPECT_EQ(told[i].logprob, wanted[i].logprob);
      }
      EXPECT_EQ(rest.branches[branch].text, whole.branches[branch].text);
      EXPECT_EQ(rest.branches[branch].reason, whole.branches[branch].reason);
      EXPECT_EQ(rest.branches[branch].tokens, whole.branches[branch].tokens);
    }
  }

  std::string ReasonFor(GenerateRequest request) {
    return ReasonOf(engine_->Generate(std::move(request)).status());
  }

  MemoryStore store_;
  std::unique_ptr<SyncEngine> engine_;
  std::mt19937_64 random_{99};
};

TEST_F(ResumeTest, TheSameTokensFromAnyIndexAfterARestart) {
  const auto whole = engine_->Generate(Request("g"));
  ASSERT_TRUE(whole.ok()) << whole.status();
  ASSERT_GT(whole->tokens.size(), 20u);
  Restart();
  // The text was open there: this decides it otherwise.
  ASSERT_TRUE(engine_->AppendText("doc", "\xa9 and the stream went on").ok());
  for (const std::vector<int>& from :
       std::vector<std::vector<int>>{{}, {3, 7}, {0, 1}, {9}, {4096, 4096}}) {
    const auto rest = engine_->Generate(Resume("g", from));
    ASSERT_TRUE(rest.ok()) << rest.status();
    ExpectRest(*whole, *rest, from);
  }
  // Who asks the same again means the same, wherever the head is now.
  const auto again = engine_->Generate(Request("g"));
  ASSERT_TRUE(again.ok()) << again.status();
  ExpectRest(*whole, *again, {});
}

TEST_F(ResumeTest, AtAPointOfTokensOfNoBytesToo) {
  ASSERT_TRUE(engine_->AppendIds("doc", {0, 0}).ok());
  const auto whole = engine_->Generate(Request("g"));
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->point.position.zero_byte_tokens, 2u);
  ASSERT_TRUE(engine_->AppendIds("doc", {0, 5}).ok());
  Restart();
  const auto rest = engine_->Generate(Resume("g", {2, 2}));
  ASSERT_TRUE(rest.ok()) << rest.status();
  ExpectRest(*whole, *rest, {2, 2});
}

TEST_F(ResumeTest, NothingIsToldBeforeTheRecordIsDurable) {
  const StreamUid uid = store_.FindStream("default", "doc")->uid;
  const GenerateRequest request = Request("g");
  bool known = false;
  Leaver leaver(1,
                [&]() { known = store_.FindRequest(uid, "g")->has_value(); });
  engine_->engine().Generate(request, &leaver);
  EXPECT_TRUE(leaver.Wait().ok());
  EXPECT_TRUE(known);
  // Who has no use for it pays nothing.
  ASSERT_TRUE(engine_->Generate(Request("")).ok());
  EXPECT_FALSE(store_.FindRequest(uid, "")->has_value());
}

TEST_F(ResumeTest, AnIdMeansOneGeneration) {
  ASSERT_TRUE(engine_->Generate(Request("g")).ok());
  GenerateRequest other = Request("g");
  other.sampling.seed = 6;
  EXPECT_EQ(ReasonFor(other), "GENERATION_EXISTS");
  EXPECT_EQ(ReasonFor(Resume("h")), "NO_GENERATION");
  EXPECT_EQ(ReasonFor(Resume("")), "BAD_KEEPING");
  EXPECT_EQ(ReasonFor(Resume("g", {-1})), "BAD_COUNT");
  EXPECT_EQ(ReasonFor(Resume("g", {4097})), "BAD_COUNT");
  EXPECT_EQ(ReasonFor(Resume("g", std::vector<int>(17))), "BAD_COUNT");
  // A fork is another stream.
  ASSERT_TRUE(engine_->Fork("doc", AtHead(), "fork").ok());
  GenerateRequest elsewhere = Resume("g");
  elsewhere.name.stream = "fork";
  EXPECT_EQ(ReasonFor(elsewhere), "NO_GENERATION");
}

TEST_F(ResumeTest, OtherNumericsAreRefused) {
  ASSERT_TRUE(engine_->Generate(Request("g")).ok());
  const StreamUid uid = store_.FindStream("default", "doc")->uid;
  std::string record = **store_.FindRequest(uid, "g");
  const std::string numerics = engine_->engine().generator_info().numerics_id;
  ASSERT_NE(record.find(numerics), std::string::npos);
  record.replace(record.find(numerics), numerics.size(), "other");
  StoreBatch batch;
  batch.put_requests.push_back({uid, "g", record});
  ASSERT_TRUE(store_.Write(batch, true).ok());
  EXPECT_EQ(ReasonFor(Resume("g")), "MODEL_MISMATCH");
}

TEST_F(ResumeTest, ACommitIsDoneOnceHoweverOftenItIsResumed) {
  ASSERT_TRUE(engine_->Fork("doc", AtHead(), "twin").ok());
  GenerateRequest request = Request("g");
  request.branches = 1;
  request.stops = {};
  request.commit = true;
  const GeneratedText begun = Interrupted(request, 5);
  const std::string before = engine_->DigestOf("doc");
  Restart();
  EXPECT_EQ(engine_->DigestOf("doc"), before) << "a left one commits nothing";
  const auto rest = engine_->Generate(Resume("g", {5}));
  ASSERT_TRUE(rest.ok()) << rest.status();
  std::vector<int> ids = Tokenize(engine_->engine().tokenizer(), "abc");
  for (int id : Ids(begun, 0)) ids.push_back(id);
  ASSERT_EQ(Ids(begun, 0).size(), 5u);
  for (int id : Ids(*rest, 0)) ids.push_back(id);
  ASSERT_TRUE(engine_->AppendIds("twin", ids).ok());
  EXPECT_EQ(engine_->DigestOf("doc"), engine_->DigestOf("twin"));
  for (int from : {0, 5, 39, 40}) {
    Restart();
    const auto again = engine_->Generate(Resume("g", {from}));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(static_cast<int>(again->tokens.size()), 40 - from);
    EXPECT_EQ(again->branches[0].committed->position,
              rest->branches[0].committed->position);
    EXPECT_EQ(engine_->DigestOf("doc"), engine_->DigestOf("twin"));
  }
}

TEST_F(ResumeTest, ACommitThatLostItsHeadTellsTheTokensAndCommitsNothing) {
  GenerateRequest request = Request("g");
  request.branches = 1;
  request.commit = true;
  Interrupted(request, 5);
  ASSERT_TRUE(engine_->AppendText("doc", "moved").ok());
  const std::string moved = engine_->DigestOf("doc");
  EXPECT_EQ(ReasonFor(Resume("g", {5})), "OFFSET_MOVED");
  EXPECT_EQ(engine_->DigestOf("doc"), moved);
}

// Opens an Append call and says nothing.
class SilentWriter : public AppendSession::Observer {
 public:
  void Open(Engine* engine) {
    StreamName name;
    name.stream = "doc";
    session_ = engine->OpenAppend(name, absl::nullopt, this);
  }
  void Leave() {
    session_->Cancel();
    done_.WaitForNotification();
  }
  void OnAck(const AppendAck&) override {}
  void OnReady() override {}
  void OnDone(const absl::Status&, const AppendAck&) override {
    done_.Notify();
  }

 private:
  std::shared_ptr<AppendSession> session_;
  absl::Notification done_;
};

TEST_F(ResumeTest, ACommitGivesWayToAWriterAndIsDoneLater) {
  GenerateRequest request = Request("g");
  request.branches = 1;
  request.stops = {};
  request.commit = true;
  const std::string before = engine_->DigestOf("doc");
  SilentWriter writer;
  Leaver leaver(3, [&]() { writer.Open(&engine_->engine()); });
  engine_->engine().Generate(request, &leaver);
  EXPECT_EQ(ReasonOf(leaver.Wait()), "STALE_EPOCH");
  EXPECT_EQ(leaver.text().tokens.size(), 40u);
  EXPECT_EQ(engine_->DigestOf("doc"), before);
  writer.Leave();
  const auto rest = engine_->Generate(Resume("g", {40}));
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_TRUE(rest->branches[0].committed.has_value());
  EXPECT_NE(engine_->DigestOf("doc"), before);
}

TEST_F(ResumeTest, BranchesAreKeptOnce) {
  GenerateRequest request = Request("g");
  request.keep_as = "kept";
  Interrupted(request, 9);
  Restart();
  ASSERT_TRUE(engine_->AppendText("doc", "moved").ok());
  const auto rest = engine_->Generate(Resume("g"));
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_EQ(rest->branches[1].kept_as, "kept.2");
  const std::string digest = engine_->DigestOf("kept.2");
  const auto again = engine_->Generate(Resume("g"));
  ASSERT_TRUE(again.ok()) << again.status();
  ExpectRest(*rest, *again, {});
  EXPECT_EQ(engine_->DigestOf("kept.2"), digest);
  // Another generation of these names, begun before they were taken.
  Interrupted(Request("h"), 9);
  const StreamUid uid = store_.FindStream("default", "doc")->uid;
  std::string record = **store_.FindRequest(uid, "h");
  const std::string none = R"("keep_as":"")";
  record.replace(record.find(none), none.size(), R"("keep_as":"kept")");
  StoreBatch batch;
  batch.put_requests.push_back({uid, "h", record});
  ASSERT_TRUE(store_.Write(batch, true).ok());
  EXPECT_EQ(ReasonFor(Resume("h")), "STREAM_EXISTS");
}

TEST_F(ResumeTest, TheNewestCallWins) {
  const auto whole = engine_->Generate(Request("whole"));
  ASSERT_TRUE(whole.ok()) << whole.status();
  for (const bool commit : {false, true}) {
    GenerateRequest request = Request(absl::StrCat("g", commit));
    request.commit = commit;
    if (commit) request.branches = 1;
    Leaver second(0, nullptr), third(0, nullptr);
    Leaver first(7, [&]() {
      engine_->engine().Generate(Resume(request.request_id), &second);
      engine_->engine().Generate(Resume(request.request_id, {4}), &third);
    });
    engine_->engine().Generate(request, &first);
    EXPECT_EQ(ReasonOf(first.Wait()), "STALE_EPOCH");
    EXPECT_EQ(ReasonOf(second.Wait()), "STALE_EPOCH");
    const absl::Status newest = third.Wait();
    EXPECT_TRUE(newest.ok()) << newest;
    std::vector<int> wanted = Ids(*whole, 0);
    wanted.erase(wanted.begin(), wanted.begin() + 4);
    EXPECT_EQ(Ids(third.text(), 0), wanted);
  }
}

}  // namespace
}  // namespace oxbow
