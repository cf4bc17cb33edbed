#include "service/call_timers.h"

#include <atomic>
#include <memory>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "store/testing/turned_clock.h"

namespace oxbow {
namespace {

// More than two looks at the clock.
const absl::Duration kLooks = absl::Milliseconds(250);

class CallTimersTest : public testing::Test {
 protected:
  TurnedClock clock_;
  CallTimers timers_{&clock_};
};

TEST_F(CallTimersTest, RingsOnceWhenTheTimeHasCome) {
  std::atomic<int> rings{0};
  CallTimer timer(&timers_, [&] { ++rings; });
  timer.Start(absl::Seconds(60));
  clock_.Advance(59);
  absl::SleepFor(kLooks);
  EXPECT_EQ(rings, 0);
  clock_.Advance(1);
  absl::SleepFor(kLooks);
  EXPECT_EQ(rings, 1);
  clock_.Advance(60);
  absl::SleepFor(kLooks);
  EXPECT_EQ(rings, 1);
  EXPECT_TRUE(timer.Stop());
}

TEST_F(CallTimersTest, StoppedOrWithoutALimitItDoesNotRing) {
  std::atomic<int> rings{0};
  CallTimer stopped(&timers_, [&] { ++rings; });
  CallTimer endless(&timers_, [&] { ++rings; });
  stopped.Start(absl::Seconds(1));
  endless.Start(absl::Seconds(1));
  endless.Start(absl::ZeroDuration());
  EXPECT_FALSE(stopped.Stop());
  clock_.Advance(1000);
  absl::SleepFor(kLooks);
  EXPECT_EQ(rings, 0);
}

TEST_F(CallTimersTest, StartedAnewItBeginsAnew) {
  std::atomic<int> rings{0};
  CallTimer timer(&timers_, [&] { ++rings; });
  for (int i = 0; i < 3; ++i) {
    timer.Start(absl::Seconds(10));
    clock_.Advance(9);
  }
  absl::SleepFor(kLooks);
  EXPECT_EQ(rings, 0);
  clock_.Advance(1);
  absl::SleepFor(kLooks);
  EXPECT_EQ(rings, 1);
  timer.Start(absl::Seconds(10));
  EXPECT_FALSE(timer.Stop());
}

TEST_F(CallTimersTest, StopWaitsForTheRing) {
  absl::Notification begun;
  std::atomic<bool> over{false};
  CallTimer timer(&timers_, [&] {
    begun.Notify();
    absl::SleepFor(absl::Milliseconds(50));
    over = true;
  });
  timer.Start(absl::Seconds(1));
  clock_.Advance(1);
  begun.WaitForNotification();
  EXPECT_TRUE(timer.Stop());
  EXPECT_TRUE(over);
}

TEST_F(CallTimersTest, ARingMayDestroyItsTimer) {
  absl::Notification gone;
  std::unique_ptr<CallTimer> timer;
  timer = std::make_unique<CallTimer>(&timers_, [&timer, &gone] {
    timer.reset();
    gone.Notify();
  });
  timer->Start(absl::Seconds(1));
  clock_.Advance(1);
  gone.WaitForNotification();
  EXPECT_EQ(timer, nullptr);
}

}  // namespace
}  // namespace oxbow
