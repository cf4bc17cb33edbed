#include "clients/bench/long_figures.h"

#include <cmath>

#include "gtest/gtest.h"

namespace oxbow::bench {
namespace {

LongWindow Window(int64_t tokens, double seconds) {
  LongWindow window;
  window.tokens = tokens;
  window.seconds = seconds;
  return window;
}

// 40 windows: 100 tokens a second at first, then 50, 10 at last.
LongRun SlowerAndSlower() {
  LongRun run;
  for (int i = 0; i < 40; ++i) {
    run.windows.push_back(Window(100, i < 4 ? 1 : i < 36 ? 2 : 10));
  }
  return run;
}

TEST(LongFiguresTest, TenthsAreOfTheFirstAndTheLastWindows) {
  const LongRun run = SlowerAndSlower();
  EXPECT_DOUBLE_EQ(FirstTenthSpeed(run), 100);
  EXPECT_DOUBLE_EQ(PrefillSpeed(run), 50);
  EXPECT_DOUBLE_EQ(LastTenthSpeed(run), 10);
}

TEST(LongFiguresTest, AMedianPassesOverOneSlowWindow) {
  LongRun run = SlowerAndSlower();
  run.windows[1].seconds = 1000;
  EXPECT_DOUBLE_EQ(FirstTenthSpeed(run), 100);
}

TEST(LongFiguresTest, FewWindowsHaveTenthsOfOne) {
  LongRun run;
  run.windows = {Window(10, 1), Window(10, 2), Window(10, 4)};
  EXPECT_DOUBLE_EQ(FirstTenthSpeed(run), 10);
  EXPECT_DOUBLE_EQ(LastTenthSpeed(run), 2.5);
}

TEST(LongFiguresTest, AProbeMayTakeHalfAsLongAgainAsItsWayAndALittle) {
  LongRun run = SlowerAndSlower();
  EXPECT_TRUE(std::isnan(ShareWithinAllowed(run)));
  LongProbe probe;
  probe.distance_tokens = 100;  // 2 s
  EXPECT_DOUBLE_EQ(AllowedSeconds(run, probe), 3.02);
  probe.seconds = 3.01;
  run.probes.push_back(probe);
  EXPECT_DOUBLE_EQ(ShareWithinAllowed(run), 1);
  probe.seconds = 3.03;
  run.probes.push_back(probe);
  EXPECT_DOUBLE_EQ(ShareWithinAllowed(run), 0.5);
}

TEST(LongFiguresTest, MemoryIsComparedWhereAllWindowsHaveIt) {
  LongRun run = SlowerAndSlower();
  EXPECT_FALSE(ResidentRatio(run).has_value());
  for (size_t i = 0; i < run.windows.size(); ++i) {
    run.windows[i].resident_bytes = i < 20 ? 100 : 150;
  }
  EXPECT_DOUBLE_EQ(*ResidentRatio(run), 1.5);
}

}  // namespace
}  // namespace oxbow::bench
