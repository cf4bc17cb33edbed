#include "engine/bulk_share.h"

#include <algorithm>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using Waiting = BulkShare::Waiting;

constexpr double kMs = 1e-3;

BulkShare::Options AtMostFiveTimes() {
  BulkShare::Options options;
  options.slowdown_max = 5;
  options.rows_min = 4;
  options.rows_max = 100;
  return options;
}

// A reader on a machine: each step reads the weights, then each row adds its
// part; now and then the system puts a step aside.
struct Machine {
  double weights = 0.3 * kMs;
  double row = 0.05 * kMs;
  double aside = 0;  // part of the steps that take ten times as long

  double Seconds(int rows) const {
    return rows == 0 ? 0 : weights + rows * row;
  }
  double Measured(int rows, std::mt19937_64* random) const {
    const bool is_aside = (*random)() % 1000 < aside * 1000;
    return Seconds(rows) * (is_aside ? 10 : 1);
  }
};

// Rounds of readers that never run dry.
class Rounds {
 public:
  Rounds(const BulkShare::Options& options, std::vector<Machine> machines)
      : share_(options, machines.size()), machines_(std::move(machines)) {}

  // Runs a round; its bulk rows. `slowdown`: against the round without them.
  int Run(const std::vector<Waiting>& waiting, double* slowdown = nullptr) {
    const int bulk_max = share_.RowsOfNext(waiting);
    int bulk_rows = 0;
    double seconds = 0, alone = 0;
    for (size_t i = 0; i < waiting.size(); ++i) {
      const int rows = waiting[i].interactive_rows;
      const int bulk = waiting[i].bulk ? std::min(bulk_max, 256 - rows) : 0;
      share_.Ran(i, rows, bulk, machines_[i].Measured(rows + bulk, &random_));
      seconds += machines_[i].Seconds(rows + bulk);
      alone += machines_[i].Seconds(rows);
      bulk_rows += bulk;
    }
    if (slowdown != nullptr) *slowdown = seconds / alone;
    return bulk_rows;
  }

  Machine& machine(int i) { return machines_[i]; }

 private:
  BulkShare share_;
  std::vector<Machine> machines_;
  std::mt19937_64 random_{7};
};

TEST(BulkShareTest, NobodyWaitsNothingIsBounded) {
  BulkShare share(AtMostFiveTimes(), 1);
  EXPECT_EQ(share.RowsOfNext({Waiting{0, 0, true}}), BulkShare::kNoBound);
  EXPECT_EQ(share.RowsOfNext({Waiting{3, 3, false}}), BulkShare::kNoBound);
  EXPECT_EQ(share.RowsOfNext({Waiting{0, 0, false}}), BulkShare::kNoBound);
}

TEST(BulkShareTest, FirstItLearnsWhatARoundWithoutBulkTakes) {
  BulkShare share(AtMostFiveTimes(), 1);
  EXPECT_EQ(share.RowsOfNext({Waiting{3, 3, true}}), 0);
  EXPECT_EQ(share.RowsOfNext({Waiting{3, 3, true}}), 4)
      << "books do not wait for what is not known";
}

TEST(BulkShareTest, ARoundTakesNoLongerThanItMay) {
  Rounds rounds(AtMostFiveTimes(), {Machine()});
  double slowdown = 0;
  for (int i = 0; i < 10; ++i) rounds.Run({Waiting{1, 1, true}});
  for (int i = 0; i < 200; ++i) {
    // 0.35 ms alone: 1.4 ms more are 28 rows.
    const int rows = rounds.Run({Waiting{1, 1, true}}, &slowdown);
    EXPECT_LE(slowdown, 5.001);
    EXPECT_TRUE(rows == 28 || rows == 0) << rows;
  }
}

TEST(BulkShareTest, BulkRowsGrowWithTheRowsTheyStandBeside) {
  Rounds rounds(AtMostFiveTimes(), {Machine()});
  double slowdown = 0;
  for (int interactive : {1, 2, 3, 5, 8, 13, 7, 1, 4}) {
    double most = 0;
    for (int i = 0; i < 4; ++i) {
      rounds.Run({Waiting{interactive, interactive, true}}, &slowdown);
      most = std::max(most, slowdown);
    }
    EXPECT_LE(most, 5.001) << interactive;
    EXPECT_GE(most, 2.5) << interactive;
  }
}

// A prompt of somebody else is no reason to let a book in as well.
TEST(BulkShareTest, PromptsTakeTheirTimeFromTheBooks) {
  Rounds rounds(AtMostFiveTimes(), {Machine()});
  const Machine machine;
  for (int i = 0; i < 40; ++i) rounds.Run({Waiting{8, 8, true}});
  for (int prompt : {10, 30, 50, 150}) {
    const int rows = rounds.Run({Waiting{8 + prompt, 8, true}});
    EXPECT_LE(machine.Seconds(8 + prompt + rows),
              std::max(5.001 * machine.Seconds(8),
                       machine.Seconds((8 + prompt) * 5 / 4)))
        << prompt;
    EXPECT_GE(rows, (8 + prompt) / 4) << prompt;
  }
}

TEST(BulkShareTest, PromptsThatNobodyWaitsBesideHaveAShareOfTheirOwn) {
  Rounds rounds(AtMostFiveTimes(), {Machine()});
  double slowdown = 0;
  for (int i = 0; i < 20; ++i) rounds.Run({Waiting{30, 0, true}});
  int rows = 0;
  for (int i = 0; i < 2; ++i) {
    rows += rounds.Run({Waiting{30, 0, true}}, &slowdown);
    EXPECT_LE(slowdown, 5.001);
  }
  EXPECT_GE(rows, 100);
}

TEST(BulkShareTest, BooksKeepTheirShare) {
  Rounds rounds(AtMostFiveTimes(), {Machine()});
  int64_t rows = 0;
  double seconds = 0;
  for (int i = 0; i < 2000; ++i) {
    double slowdown = 0;
    rows += rounds.Run({Waiting{8, 8, true}}, &slowdown);
    seconds += slowdown * Machine().Seconds(8);
  }
  const double solo = 256 / Machine().Seconds(256);
  EXPECT_GT(rows / seconds / solo, 0.79);
}

TEST(BulkShareTest, WhateverTheyCostAFewRowsGoEverySecondRound) {
  Machine slow;
  slow.weights = 1 * kMs;
  slow.row = 1000 * kMs;
  Rounds rounds(AtMostFiveTimes(), {slow});
  std::mt19937 random(3);
  int before = 4;
  for (int i = 0; i < 1000; ++i) {
    const int interactive = 1 << random() % 8;
    const int rows = rounds.Run({Waiting{interactive, interactive, true}});
    EXPECT_TRUE(rows >= 4 || before >= 4) << "two rounds without";
    before = rows;
  }
}

TEST(BulkShareTest, StepsThatWerePutAsideChangeLittle) {
  Machine busy;
  busy.aside = 0.15;
  Rounds rounds(AtMostFiveTimes(), {busy});
  std::vector<double> slowdowns;
  int64_t rows = 0;
  for (int i = 0; i < 3000; ++i) {
    double slowdown = 0;
    rows += rounds.Run({Waiting{8, 8, true}}, &slowdown);
    slowdowns.push_back(slowdown);
  }
  std::sort(slowdowns.begin(), slowdowns.end());
  EXPECT_LT(slowdowns[2900], 5.5);
  EXPECT_GT(rows / 3000.0, 0.7 * 56);
}

TEST(BulkShareTest, FollowsAMachineThatChanges) {
  Rounds rounds(AtMostFiveTimes(), {Machine()});
  for (int i = 0; i < 100; ++i) rounds.Run({Waiting{1, 1, true}});
  rounds.machine(0).row = 0.2 * kMs;
  double slowdown = 0;
  for (int i = 0; i < 150; ++i) rounds.Run({Waiting{1, 1, true}});
  for (int i = 0; i < 50; ++i) {
    rounds.Run({Waiting{1, 1, true}}, &slowdown);
    EXPECT_LE(slowdown, 5.001);
  }
  rounds.machine(0).row = 0.05 * kMs;
  for (int i = 0; i < 150; ++i) rounds.Run({Waiting{1, 1, true}});
  int most = 0;
  for (int i = 0; i < 2; ++i) {
    most = std::max(most, rounds.Run({Waiting{1, 1, true}}));
  }
  EXPECT_EQ(most, 28);
}

TEST(BulkShareTest, ASlowModelIsNotMadeMuchSlower) {
  BulkShare::Options options = AtMostFiveTimes();
  options.rows_min = 1;
  Machine slow;
  for (const double decode : {10.0, 30.0, 60.0, 200.0}) {  // milliseconds
    slow.weights = decode * kMs;
    slow.row = decode / 20 * kMs;
    Rounds rounds(options, {slow});
    double slowdown = 0, most = 0;
    for (int i = 0; i < 40; ++i) {
      rounds.Run({Waiting{1, 1, true}}, &slowdown);
      if (i > 10) most = std::max(most, slowdown);
    }
    const double alone = slow.Seconds(1);
    const double wanted = std::min(5.0, std::max(0.1 / alone, 2.5));
    EXPECT_LE(most, wanted * 1.001) << decode;
    EXPECT_GE(most, wanted * 0.9) << decode;
  }
}

// The generator's tokens wait for the embedder's step as well.
TEST(BulkShareTest, TwoReadersShareARound) {
  Rounds rounds(AtMostFiveTimes(), {Machine(), Machine()});
  double slowdown = 0;
  for (int i = 0; i < 20; ++i) {
    rounds.Run({Waiting{8, 8, true}, Waiting{0, 0, true}});
  }
  for (int i = 0; i < 100; ++i) {
    rounds.Run({Waiting{8, 8, true}, Waiting{0, 0, true}}, &slowdown);
    EXPECT_LE(slowdown, 5.001);
  }
}

TEST(BulkShareTest, AnEmbeddersBookAloneIsBoundedAsWell) {
  Rounds rounds(AtMostFiveTimes(), {Machine(), Machine()});
  double slowdown = 0;
  for (int i = 0; i < 20; ++i) {
    rounds.Run({Waiting{8, 8, false}, Waiting{0, 0, true}});
  }
  rounds.Run({Waiting{8, 8, false}, Waiting{0, 0, true}}, &slowdown);
  EXPECT_LE(slowdown, 5.001);
}

TEST(BulkShareTest, AClockThatStandsStillBoundsByRowsAlone) {
  BulkShare share(AtMostFiveTimes(), 1);
  share.Ran(0, 1, 0, 0);
  share.Ran(0, 1, 4, 0);
  EXPECT_EQ(share.RowsOfNext({Waiting{1, 1, true}}), 100);
}

TEST(BulkShareDeathTest, ASlowdownOfOneLeavesNothing) {
  BulkShare::Options options;
  options.slowdown_max = 1;
  EXPECT_DEATH(BulkShare(options, 1), "1");
}

}  // namespace
}  // namespace oxbow
