#include "engine/reader.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/error_reason.h"
#include "engine/model/load_model.h"
#include "engine/testing/piece_tokenizer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/status_is.h"
#include "tests/testing/counted_model.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {
namespace {

// testing::Test has a Run of its own.
using TokenRun = Run;

constexpr int kVocabulary = 300;

std::string ModelPath() {
  static const auto* const kPath = new std::string([]() {
    const std::string path =
        std::string(std::getenv("TEST_TMPDIR")) + "/reader.safetensors";
    TinyModelOptions options;
    options.width = 32;
    options.vocabulary_size = kVocabulary;
    options.ffn_width = 64;
    EXPECT_OK(WriteTinyModel(options, path));
    return path;
  }());
  return *kPath;
}

std::unique_ptr<Model> NewModel(int slots_max = 64) {
  LoadModelOptions options;
  options.threads = 1;
  options.slots_max = slots_max;
  auto model = LoadModel(ModelPath(), options);
  EXPECT_OK(model);
  return *std::move(model);
}

// What was asked of a model.
struct Asked {
  std::atomic<int64_t> tokens{0};
  int steps = 0;
  int hidden_rows = 0;
  int logits_rows = 0;
};

class AskedModel : public CountedModel {
 public:
  AskedModel(std::unique_ptr<Model> model, Asked* asked)
      : CountedModel(std::move(model), &asked->tokens), asked_(asked) {}

  void Step(const Batch& batch, absl::Span<float> hidden) override {
    ++asked_->steps;
    asked_->hidden_rows += static_cast<int>(batch.hidden_rows.size());
    CountedModel::Step(batch, hidden);
  }
  void Logits(absl::Span<const float> hidden,
              absl::Span<float> logits) override {
    asked_->logits_rows += static_cast<int>(hidden.size()) / info().width;
    CountedModel::Logits(hidden, logits);
  }

 private:
  Asked* const asked_;
};

// All that can be seen of a run.
struct Seen {
  std::vector<float> hidden;  // of every token, if asked for
  std::vector<float> logits;  // of the last one, if asked for
  std::string state;
  int tokens = 0;
  bool done = false;
};

class ReaderTest : public testing::Test {
 protected:
  static Scheduler::Options SmallSteps() {
    Scheduler::Options options;
    options.rows_max = 24;
    options.sequence_rows_max = 7;
    return options;
  }

  static Reader NewReader(const std::string& name = "generator",
                          int slots_max = 64,
                          const std::vector<std::string>& pieces = {"ab"}) {
    return Reader(name, NewModel(slots_max),
                  std::make_unique<PieceTokenizer>(pieces), SmallSteps());
  }

  std::vector<int> RandomTokens(int count) {
    std::vector<int> tokens;
    for (int i = 0; i < count; ++i) tokens.push_back(random_() % kVocabulary);
    return tokens;
  }

  // Submits the run; what comes of it goes to `seen`.
  void Submit(TokenRun run, bool wants_rows, Seen* seen) {
    const size_t width = reader_.info().width;
    if (wants_rows) {
      run.on_rows = [seen, width](int first, int count, const float* hidden) {
        EXPECT_FALSE(seen->done);
        EXPECT_EQ(first, seen->tokens) << "rows come in order, once";
        seen->tokens += count;
        seen->hidden.insert(seen->hidden.end(), hidden, hidden + count * width);
      };
    }
    run.on_done = [this, seen,
                   slot = run.slot](absl::Span<const float> logits) {
      EXPECT_FALSE(seen->done) << "done twice";
      seen->done = true;
      seen->logits.assign(logits.begin(), logits.end());
      seen->state = StateOf(slot);
    };
    reader_.Submit(std::move(run));
  }

  // False: there was nothing to do.
  bool Step() {
    const Reader::Ran ran = reader_.Step(/*bulk_rows_max=*/9);
    EXPECT_LE(ran.bulk, 9);
    return ran.interactive + ran.bulk > 0;
  }

  std::string StateOf(StateSlot slot) {
    std::string state(reader_.info().state_bytes, '\0');
    reader_.model().ReadState(slot, absl::MakeSpan(state));
    return state;
  }

  // The same run with nothing beside it.
  Seen Alone(const TokenRun& run, bool wants_rows) {
    OwnedSlot slot = *NewSlot(reader_);
    TokenRun alone = run;
    alone.slot = slot.get();
    Seen seen;
    Submit(std::move(alone), wants_rows, &seen);
    while (Step()) {
    }
    return seen;
  }

  std::mt19937_64 random_{1618};
  Reader reader_ = NewReader();
};

TEST_F(ReaderTest, BatchMatesChangeNothing) {
  for (int round = 0; round < 20; ++round) {
    std::vector<OwnedSlot> slots;
    std::vector<TokenRun> runs;
    std::vector<bool> wants_rows;
    for (int i = random_() % 12; i >= 0; --i) {
      slots.push_back(*NewSlot(reader_));
      TokenRun run;
      run.slot = slots.back().get();
      run.tokens = RandomTokens(1 + random_() % (random_() % 3 == 0 ? 60 : 3));
      run.priority =
          random_() % 2 == 0 ? Priority::kBulk : Priority::kInteractive;
      run.wants_logits = random_() % 2 == 0;
      runs.push_back(run);
      wants_rows.push_back(random_() % 2 == 0);
    }
    std::vector<Seen> together(runs.size());
    for (size_t i = 0; i < runs.size(); ++i) {
      Submit(runs[i], wants_rows[i], &together[i]);
      if (random_() % 4 == 0) Step();  // Some come a moment late.
    }
    while (Step()) {
    }
    EXPECT_TRUE(reader_.idle());
    for (size_t i = 0; i < runs.size(); ++i) {
      const Seen alone = Alone(runs[i], wants_rows[i]);
      ASSERT_TRUE(together[i].done);
      ASSERT_EQ(together[i].hidden, alone.hidden) << "round " << round;
      ASSERT_EQ(together[i].logits, alone.logits) << "round " << round;
      ASSERT_EQ(together[i].state, alone.state) << "round " << round;
      ASSERT_EQ(together[i].logits.size(),
                runs[i].wants_logits ? kVocabulary : 0u);
      ASSERT_EQ(together[i].tokens,
                wants_rows[i] ? static_cast<int>(runs[i].tokens.size()) : 0);
    }
  }
}

TEST_F(ReaderTest, LogitsAreOfTheLastToken) {
  OwnedSlot slot = *NewSlot(reader_);
  TokenRun run;
  run.slot = slot.get();
  run.tokens = RandomTokens(40);
  run.wants_logits = true;
  Seen seen;
  Submit(run, /*wants_rows=*/true, &seen);
  while (Step()) {
  }
  const std::vector<float> hidden = reader_.HiddenOf(slot.get());
  EXPECT_EQ(seen.logits, reader_.Logits(hidden));
  EXPECT_EQ(hidden, std::vector<float>(seen.hidden.end() - hidden.size(),
                                       seen.hidden.end()));
}

TEST_F(ReaderTest, ARunGoesOnWhereTheSlotStands) {
  const std::vector<int> tokens = RandomTokens(30);
  TokenRun whole;
  whole.tokens = tokens;
  const Seen expected = Alone(whole, false);
  OwnedSlot slot = *NewSlot(reader_);
  Seen first, second;
  TokenRun run;
  run.slot = slot.get();
  run.tokens.assign(tokens.begin(), tokens.begin() + 11);
  Submit(run, false, &first);
  while (Step()) {
  }
  run.tokens.assign(tokens.begin() + 11, tokens.end());
  Submit(run, false, &second);
  while (Step()) {
  }
  EXPECT_EQ(second.state, expected.state);
}

// As a generation does: each token is drawn from the logits before it.
TEST_F(ReaderTest, ACallbackMaySubmitMore) {
  OwnedSlot slot = *NewSlot(reader_);
  std::vector<int> drawn;
  std::function<void(absl::Span<const float>)> draw;
  const auto submit = [&](int id) {
    TokenRun run;
    run.slot = slot.get();
    run.tokens = {id};
    run.wants_logits = true;
    run.on_done = draw;
    reader_.Submit(std::move(run));
  };
  draw = [&](absl::Span<const float> logits) {
    drawn.push_back(std::max_element(logits.begin(), logits.end()) -
                    logits.begin());
    if (drawn.size() < 10) submit(drawn.back());
  };
  submit(5);
  TokenRun beside;
  OwnedSlot other = *NewSlot(reader_);
  beside.slot = other.get();
  beside.tokens = RandomTokens(200);
  Seen seen;
  Submit(beside, false, &seen);
  while (Step()) {
  }
  ASSERT_EQ(drawn.size(), 10u);
  TokenRun again;
  again.tokens = {5};
  again.tokens.insert(again.tokens.end(), drawn.begin(), drawn.end() - 1);
  EXPECT_EQ(StateOf(slot.get()), Alone(again, false).state);
}

// The head costs as much as several layers: only who draws pays for it.
TEST_F(ReaderTest, BranchesShareAStepAndOnlyTheyHaveLogits) {
  Asked asked;
  Reader reader("generator", std::make_unique<AskedModel>(NewModel(), &asked),
                std::make_unique<PieceTokenizer>(std::vector<std::string>{}),
                SmallSteps());
  std::vector<OwnedSlot> slots;
  int done = 0;
  const auto submit = [&](int tokens, Priority priority, bool wants_logits) {
    slots.push_back(*NewSlot(reader));
    TokenRun run;
    run.slot = slots.back().get();
    run.tokens = RandomTokens(tokens);
    run.priority = priority;
    run.wants_logits = wants_logits;
    run.on_done = [&done](absl::Span<const float>) { ++done; };
    reader.Submit(std::move(run));
  };
  for (int branch = 0; branch < 5; ++branch) {
    submit(1, Priority::kInteractive, true);
  }
  submit(9, Priority::kBulk, false);
  EXPECT_EQ(reader.waiting().interactive_rows, 5);
  EXPECT_EQ(reader.waiting().decode_rows, 5);
  EXPECT_TRUE(reader.waiting().bulk);
  const Reader::Ran ran = reader.Step(/*bulk_rows_max=*/9);
  EXPECT_EQ(ran.interactive, 5);
  EXPECT_EQ(ran.bulk, 9);
  EXPECT_EQ(done, 6);
  EXPECT_EQ(asked.steps, 1);
  EXPECT_EQ(asked.tokens, 14);
  EXPECT_EQ(asked.hidden_rows, 5);
  EXPECT_EQ(asked.logits_rows, 5);
}

TEST_F(ReaderTest, NothingToDoIsNoStep) {
  EXPECT_TRUE(reader_.idle());
  EXPECT_FALSE(Step());
}

TEST_F(ReaderTest, SlotsGiveThemselvesBack) {
  Reader reader = NewReader("generator", /*slots_max=*/2);
  auto one = NewSlot(reader);
  auto two = NewSlot(reader);
  ASSERT_OK(two);
  const auto three = NewSlot(reader);
  EXPECT_THAT(three, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ReasonOf(three.status()), "NO_STATE_SLOT");
  two->Reset();
  EXPECT_TRUE(two->empty());
  EXPECT_OK(NewSlot(reader)) << "it went with its owner";
  OwnedSlot moved = *std::move(one);
  EXPECT_OK(NewSlot(reader));
  EXPECT_FALSE(moved.empty());
}

TEST_F(ReaderTest, ACopyIsAStateOfItsOwn) {
  OwnedSlot slot = *NewSlot(reader_);
  Seen seen;
  TokenRun run;
  run.slot = slot.get();
  run.tokens = RandomTokens(5);
  Submit(run, false, &seen);
  while (Step()) {
  }
  OwnedSlot copy = *CopySlot(reader_, slot.get());
  EXPECT_EQ(StateOf(copy.get()), seen.state);
  Seen more;
  run.slot = copy.get();
  Submit(run, false, &more);
  while (Step()) {
  }
  EXPECT_NE(more.state, seen.state);
  EXPECT_EQ(StateOf(slot.get()), seen.state);
}

// A state belongs to the weights and to what the ids mean.
TEST_F(ReaderTest, ItsIdNamesModelAndTokenizer) {
  EXPECT_EQ(NewReader().id(), reader_.id());
  EXPECT_NE(NewReader("generator", 64, {"ac"}).id(), reader_.id());
  EXPECT_EQ(NewReader("embedder").id(), reader_.id());
}

TEST_F(ReaderTest, OnlyTheGeneratorsIdsAreIds) {
  EXPECT_EQ(reader_.ids_are(), IdsAre::kIds);
  EXPECT_EQ(NewReader("embedder").ids_are(), IdsAre::kText);
}

TEST(ReaderDeathTest, ARunWithoutTokensIsABug) {
  Reader reader("generator", NewModel(),
                std::make_unique<PieceTokenizer>(std::vector<std::string>{}),
                Scheduler::Options());
  EXPECT_DEATH(reader.Submit(TokenRun()), "without tokens");
}

}  // namespace
}  // namespace oxbow
