// Checkpoints replayed from their logs: equal, or the difference is named.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "engine/model/load_model.h"
#include "engine/replay_sample.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "store/testing/status_is.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

// A store that an engine wrote: a stream, a fork of it with ids, an import.
class ReplayTest : public testing::TestWithParam<std::string> {
 protected:
  ReplayTest() : model_(WriteTestModel(/*embedder=*/false, GetParam())) {
    SyncEngine::Options options;
    options.model_path = model_;
    options.engine.checkpoint_tokens = 16;
    const auto engine = *SyncEngine::Start(options, &store_);
    const std::string text = "a cab, a bacca; \xc3\xa9 and so on and on\n";
    EXPECT_OK(engine->Create("book"));
    for (int i = 0; i < 8; ++i) EXPECT_OK(engine->AppendText("book", text));
    EXPECT_OK(engine->Fork("book", AtByte(50), "fork"));
    EXPECT_OK(engine->AppendIds("fork", {7, 300, 9, 65, 66, 301}));
    EXPECT_OK(engine->AppendText("fork", text + text + text));
    EXPECT_OK(engine->Checkpoint("book", AtByte(100), "here"));
    const auto file = engine->Export("book", AtByte(77));
    EXPECT_OK(file);
    EXPECT_OK(engine->Import(*file, "import"));
    EXPECT_OK(engine->AppendText("import", text + text));
    engine->Drain();
  }

  ReplayReport Replay(int count) {
    LoadModelOptions load;
    load.threads = 1;
    auto model = LoadModel(model_, load);
    EXPECT_OK(model);
    auto tokenizer =
        MakeTokenizer("", model_, (*model)->info().vocabulary_size);
    EXPECT_OK(tokenizer);
    CheckpointReplay replay(
        &store_, &clock_,
        std::make_unique<Reader>("generator", *std::move(model),
                                 *std::move(tokenizer), Scheduler::Options()));
    ReplaySampleOptions options;
    options.count = count;
    const auto report = ReplaySample(store_, options, &replay);
    EXPECT_OK(report);
    return report.ok() ? *report : ReplayReport();
  }
  // One of the stream's checkpoints, not the last.
  Checkpoint Some(const std::string& name) {
    const StreamRecord stream = *store_.FindStream("default", name);
    const auto headers = *store_.ListCheckpoints(stream.uid, "generator");
    EXPECT_GT(headers.size(), 2u);
    return *store_.ReadCheckpoint(stream.uid, "generator",
                                  headers[1].token_offset);
  }
  void Put(const Checkpoint& checkpoint) {
    StoreBatch batch;
    batch.put_checkpoints.push_back(checkpoint);
    ASSERT_OK(store_.Write(batch, true));
  }

  const std::string model_;
  RealClock clock_;
  MemoryStore store_;
};

TEST_P(ReplayTest, EveryCheckpointIsWhatItsLogGives) {
  const ReplayReport report = Replay(1000);
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_GT(report.replayed, 15);
  EXPECT_EQ(report.other_numerics, 0);
  EXPECT_EQ(Replay(3).replayed, 3);
}

TEST_P(ReplayTest, OneBitOfAStateIsNamedOnce) {
  Checkpoint changed = Some("fork");
  changed.state[changed.state.size() / 2] ^= 1;
  Put(changed);
  // The next one, replayed from it, differs too.
  const ReplayReport report = Replay(1000);
  ASSERT_FALSE(report.findings.empty());
  EXPECT_THAT(
      report.findings[0],
      AllOf(HasSubstr("\"fork\""),
            HasSubstr(absl::StrCat("token ", changed.header.token_offset, ",")),
            HasSubstr("another state")));
}

TEST_P(ReplayTest, OtherTokensAreNamed) {
  Checkpoint changed = Some("book");
  changed.header.id_chain[3] ^= 1;
  Put(changed);
  const ReplayReport report = Replay(1000);
  ASSERT_FALSE(report.findings.empty());
  EXPECT_THAT(report.findings[0],
              AllOf(HasSubstr("\"book\""), HasSubstr("other tokens")));
}

TEST_P(ReplayTest, OtherNumericsAreCountedAndNotCompared) {
  Checkpoint changed = Some("book");
  changed.header.numerics_id = "another rounding";
  changed.state[0] ^= 1;
  Put(changed);
  const ReplayReport report = Replay(1000);
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(report.other_numerics, 1);
}

INSTANTIATE_TEST_SUITE_P(Versions, ReplayTest, testing::Values("4", "7"));

}  // namespace
}  // namespace oxbow
