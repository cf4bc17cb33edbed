#include "clients/bench/window_clock.h"

#include "gtest/gtest.h"

namespace oxbow::bench {
namespace {

absl::Time At(double seconds) {
  return absl::UnixEpoch() + absl::Seconds(seconds);
}

TEST(WindowClockTest, CutsFromAckToAck) {
  WindowClock clock(1000, 10, nullptr);
  clock.OnApplied(0, At(1));  // nothing has begun
  clock.OnApplied(30, At(2));
  clock.OnApplied(90, At(3));
  EXPECT_TRUE(clock.windows().empty());
  clock.OnApplied(120, At(5));
  ASSERT_EQ(clock.windows().size(), 1);
  EXPECT_EQ(clock.windows()[0].token_end, 120);
  EXPECT_EQ(clock.windows()[0].tokens, 90);
  EXPECT_DOUBLE_EQ(clock.windows()[0].seconds, 3);
  EXPECT_DOUBLE_EQ(clock.windows()[0].tokens_per_second(), 30);
  // The next ends at 200, not 100 tokens from here.
  clock.OnApplied(199, At(6));
  EXPECT_EQ(clock.windows().size(), 1);
  clock.OnApplied(200, At(7));
  ASSERT_EQ(clock.windows().size(), 2);
  EXPECT_EQ(clock.windows()[1].tokens, 80);
}

TEST(WindowClockTest, OneAckEndsOneWindowOnly) {
  WindowClock clock(1000, 10, nullptr);
  clock.OnApplied(1, At(1));
  clock.OnApplied(450, At(2));
  ASSERT_EQ(clock.windows().size(), 1);
  EXPECT_EQ(clock.windows()[0].tokens, 449);
  clock.OnApplied(499, At(3));
  EXPECT_EQ(clock.windows().size(), 1);
  clock.OnApplied(500, At(4));
  EXPECT_EQ(clock.windows().size(), 2);
}

TEST(WindowClockTest, IsDoneWithTheLastTokenAndTakesNoMore) {
  WindowClock clock(100, 2, [] { return int64_t{7}; });
  clock.OnApplied(10, At(1));
  clock.OnApplied(60, At(2));
  EXPECT_FALSE(clock.done());
  clock.OnApplied(120, At(3));
  EXPECT_TRUE(clock.done());
  ASSERT_EQ(clock.windows().size(), 2);
  EXPECT_EQ(clock.windows()[1].token_end, 120);
  EXPECT_EQ(clock.windows()[1].resident_bytes, 7);
  clock.OnApplied(220, At(4));
  EXPECT_EQ(clock.windows().size(), 2);
}

TEST(WindowClockTest, AnAckThatSaysNothingNewIsNone) {
  WindowClock clock(100, 2, nullptr);
  clock.OnApplied(10, At(1));
  clock.OnApplied(10, At(2));
  clock.OnApplied(60, At(3));
  ASSERT_EQ(clock.windows().size(), 1);
  EXPECT_DOUBLE_EQ(clock.windows()[0].seconds, 2);
}

}  // namespace
}  // namespace oxbow::bench
