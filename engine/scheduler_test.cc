#include "engine/scheduler.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {

// Found by the printer and the matchers of GoogleTest.
bool operator==(const Scheduler::Share& a, const Scheduler::Share& b) {
  return a.id == b.id && a.rows == b.rows;
}
void PrintTo(const Scheduler::Share& share, std::ostream* out) {
  *out << "{id " << share.id << ", " << share.rows << " rows}";
}

namespace {

using Share = Scheduler::Share;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Priority kNow = Priority::kInteractive;
constexpr Priority kLater = Priority::kBulk;

Scheduler::Options SmallSteps() {
  Scheduler::Options options;
  options.rows_max = 10;
  options.sequence_rows_max = 4;
  return options;
}

// What the engine would say.
constexpr int kBulkRows = 3;
constexpr int kNoBound = 1000000;

int RowsOf(const std::vector<Share>& step) {
  int rows = 0;
  for (const Share& share : step) rows += share.rows;
  return rows;
}

TEST(SchedulerTest, NothingWaitsNothingComes) {
  Scheduler scheduler(SmallSteps());
  EXPECT_TRUE(scheduler.empty());
  EXPECT_THAT(scheduler.Next(kNoBound), IsEmpty());
}

TEST(SchedulerTest, AloneASequenceFillsTheStep) {
  Scheduler scheduler(SmallSteps());
  scheduler.Add(1, kLater, 23);
  EXPECT_THAT(scheduler.Next(kNoBound), ElementsAre(Share{1, 10}));
  EXPECT_THAT(scheduler.Next(kNoBound), ElementsAre(Share{1, 10}));
  EXPECT_FALSE(scheduler.empty());
  EXPECT_THAT(scheduler.Next(kNoBound), ElementsAre(Share{1, 3}));
  EXPECT_TRUE(scheduler.empty());
}

TEST(SchedulerTest, ABookDoesNotStarveATweet) {
  Scheduler scheduler(SmallSteps());
  scheduler.Add(1, kLater, 1000);
  scheduler.Add(2, kLater, 2);
  EXPECT_THAT(scheduler.Next(kNoBound), ElementsAre(Share{1, 4}, Share{2, 2}));
}

TEST(SchedulerTest, TheLastServedIsServedLast) {
  Scheduler scheduler(SmallSteps());
  for (int id = 1; id <= 4; ++id) scheduler.Add(id, kLater, 100);
  EXPECT_THAT(scheduler.Next(kNoBound),
              ElementsAre(Share{1, 4}, Share{2, 4}, Share{3, 2}));
  EXPECT_THAT(scheduler.Next(kNoBound),
              ElementsAre(Share{4, 4}, Share{1, 4}, Share{2, 2}));
}

TEST(SchedulerTest, InteractiveComesFirstAndBulkKeepsItsShare) {
  Scheduler scheduler(SmallSteps());
  scheduler.Add(1, kLater, 1000);
  for (int id = 2; id <= 9; ++id) scheduler.Add(id, kNow, 1000);
  EXPECT_THAT(scheduler.Next(kBulkRows),
              ElementsAre(Share{2, 4}, Share{3, 3}, Share{1, 3}));
}

TEST(SchedulerTest, BulkNeverTakesMoreThanHalfOfAMixedStep) {
  Scheduler scheduler(SmallSteps());
  scheduler.Add(1, kLater, 1000);
  scheduler.Add(2, kNow, 1000);
  EXPECT_THAT(scheduler.Next(kNoBound), ElementsAre(Share{2, 5}, Share{1, 5}));
}

TEST(SchedulerTest, BulkTakesWhatFewInteractiveRowsLeave) {
  Scheduler scheduler(SmallSteps());
  scheduler.Add(1, kLater, 1000);
  scheduler.Add(2, kNow, 1);
  EXPECT_THAT(scheduler.Next(kNoBound), ElementsAre(Share{2, 1}, Share{1, 9}));
}

TEST(SchedulerTest, BulkRowsWaitWhereNoneMayGo) {
  Scheduler scheduler(SmallSteps());
  scheduler.Add(1, kLater, 1000);
  EXPECT_TRUE(scheduler.has_bulk());
  EXPECT_THAT(scheduler.Next(0), IsEmpty());
  EXPECT_THAT(scheduler.Next(2), ElementsAre(Share{1, 2}));
  scheduler.Add(2, kNow, 7);
  EXPECT_THAT(scheduler.Next(0), ElementsAre(Share{2, 7}));
  EXPECT_THAT(scheduler.Next(kNoBound), ElementsAre(Share{1, 10}));
}

TEST(SchedulerTest, TellsHowManyInteractiveRowsComeNext) {
  Scheduler scheduler(SmallSteps());
  scheduler.Add(1, kLater, 1000);
  EXPECT_EQ(scheduler.interactive_rows(), 0);
  EXPECT_EQ(scheduler.decode_rows(), 0);
  scheduler.Add(2, kNow, 1000);
  EXPECT_EQ(scheduler.interactive_rows(), 10) << "alone, it fills the step";
  scheduler.Add(3, kNow, 1);
  EXPECT_EQ(scheduler.interactive_rows(), 5) << "a turn and a row";
  EXPECT_EQ(scheduler.decode_rows(), 1);
  EXPECT_EQ(RowsOf(scheduler.Next(0)), 5);
  for (int id = 4; id <= 30; ++id) scheduler.Add(id, kNow, 1);
  EXPECT_EQ(scheduler.interactive_rows(), 10) << "no more than a step";
  EXPECT_EQ(scheduler.decode_rows(), 10);
}

TEST(SchedulerTest, ARemovedSequenceIsForgottenInEitherQueue) {
  Scheduler scheduler(SmallSteps());
  scheduler.Add(1, kLater, 5);
  scheduler.Add(2, kNow, 5);
  scheduler.Remove(1);
  scheduler.Remove(2);
  scheduler.Remove(3);
  EXPECT_TRUE(scheduler.empty());
}

// As many equal sequences as you like: after any number of steps, no two have
// got shares that differ by more than one turn.
TEST(SchedulerTest, EqualSequencesAdvanceTogether) {
  Scheduler scheduler(SmallSteps());
  std::map<uint64_t, int> got;
  for (int id = 0; id < 7; ++id) {
    scheduler.Add(id, kLater, 100000);
    got[id] = 0;
  }
  for (int step = 0; step < 1000; ++step) {
    for (const Share& share : scheduler.Next(kNoBound))
      got[share.id] += share.rows;
  }
  std::vector<int> rows;
  for (const auto& [id, count] : got) rows.push_back(count);
  std::sort(rows.begin(), rows.end());
  // Turns are cut short where a step ends: 4, 4, 2 rows, in turn.
  EXPECT_NEAR(rows.front(), 10000 / 7.0, 8);
  EXPECT_NEAR(rows.back(), 10000 / 7.0, 8);
}

// A queue as plain as can be: what waits, and since when it was passed over.
struct Waiting {
  Priority priority;
  int rows;
  int passed_over = 0;  // steps
};

class RandomSchedulerTest : public testing::TestWithParam<int> {
 protected:
  void Check(const std::vector<Share>& step, int bulk_rows_max) {
    std::set<uint64_t> seen;
    int bulk_rows = 0, waiting_bulk = 0;
    for (const auto& [id, waiting] : waiting_) {
      if (waiting.priority == kLater) ++waiting_bulk;
    }
    for (const Share& share : step) {
      ASSERT_TRUE(seen.insert(share.id).second) << share.id << " comes twice";
      const auto it = waiting_.find(share.id);
      ASSERT_TRUE(it != waiting_.end()) << share.id << " does not wait";
      ASSERT_GT(share.rows, 0);
      ASSERT_LE(share.rows, it->second.rows) << "rows that were never added";
      if (it->second.priority == kLater) bulk_rows += share.rows;
    }
    ASSERT_LE(RowsOf(step), options_.rows_max);
    ASSERT_EQ(step.empty(), waiting_.empty());
    ASSERT_LE(bulk_rows, bulk_rows_max);
    // More than half of a step only if nobody who waits is left out.
    for (const auto& [id, waiting] : waiting_) {
      if (waiting.priority == kLater) continue;
      ASSERT_TRUE(bulk_rows <= options_.rows_max / 2 || seen.count(id) > 0);
    }
    if (waiting_bulk > 0) {
      ASSERT_GT(bulk_rows, 0);
    }
    Take(step, seen);
  }

  void Take(const std::vector<Share>& step, const std::set<uint64_t>& seen) {
    for (auto& [id, waiting] : waiting_) {
      waiting.passed_over = seen.count(id) > 0 ? 0 : waiting.passed_over + 1;
      // Each step serves at least one of each kind, in turn.
      ASSERT_LE(waiting.passed_over, static_cast<int>(kSequencesMax)) << id;
    }
    for (const Share& share : step) {
      Waiting& waiting = waiting_[share.id];
      waiting.rows -= share.rows;
      if (waiting.rows == 0) waiting_.erase(share.id);
    }
  }

  static constexpr size_t kSequencesMax = 40;
  Scheduler::Options options_ = SmallSteps();
  std::map<uint64_t, Waiting> waiting_;
};

TEST_P(RandomSchedulerTest, RowsAreNeitherLostNorDoubledAndAllProgress) {
  std::mt19937_64 random(GetParam());
  Scheduler scheduler(options_);
  uint64_t next_id = 0;
  for (int operation = 0; operation < 4000; ++operation) {
    const int action = random() % 8;
    if (action < 4 && waiting_.size() < kSequencesMax) {
      const Priority priority = random() % 2 == 0 ? kNow : kLater;
      const int rows = 1 + random() % (random() % 5 == 0 ? 200 : 6);
      scheduler.Add(next_id, priority, rows);
      waiting_[next_id++] = {priority, rows};
    } else if (action == 4 && next_id > 0) {
      const uint64_t id = next_id - 1 - random() % std::min<int>(next_id, 50);
      scheduler.Remove(id);
      waiting_.erase(id);
    } else {
      const int bulk_rows_max = 1 + random() % 12;
      ASSERT_NO_FATAL_FAILURE(
          Check(scheduler.Next(bulk_rows_max), bulk_rows_max))
          << operation;
    }
    ASSERT_EQ(scheduler.empty(), waiting_.empty());
  }
  while (!scheduler.empty()) {
    ASSERT_NO_FATAL_FAILURE(Check(scheduler.Next(kBulkRows), kBulkRows));
  }
  EXPECT_TRUE(waiting_.empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomSchedulerTest, testing::Range(1, 6));

TEST(SchedulerDeathTest, ASequenceWithoutRowsIsABug) {
  Scheduler scheduler(SmallSteps());
  EXPECT_DEATH(scheduler.Add(1, kNow, 0), "without rows");
}

}  // namespace
}  // namespace oxbow
