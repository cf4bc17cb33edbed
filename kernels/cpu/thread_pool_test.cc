#include "kernels/cpu/thread_pool.h"

#include <immintrin.h>
#include <sched.h>

#include <atomic>
#include <limits>
#include <set>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "kernels/cpu/usable_cores.h"

namespace oxbow {
namespace {

// How often each task of one list was called.
std::vector<int> CallsOf(ThreadPool& pool, int count) {
  std::vector<std::atomic<int>> calls(count);
  pool.Run(count, [&](int i) { ++calls[i]; });
  return std::vector<int>(calls.begin(), calls.end());
}

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, CallsEveryTaskOnce) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 300; ++round) {
    for (int count : {0, 1, 2, 3, 7, 100}) {
      ASSERT_EQ(CallsOf(pool, count), std::vector<int>(count, 1)) << count;
    }
  }
}

TEST_P(ThreadPoolTest, WhatTasksWroteIsThereAfterwards) {
  ThreadPool pool(GetParam());
  std::vector<int> numbers(64);
  for (int round = 1; round <= 2000; ++round) {
    // Not atomic: each list must see the one before as finished.
    pool.Run(64, [&](int i) { ++numbers[i]; });
    ASSERT_EQ(numbers, std::vector<int>(64, round));
  }
}

TEST_P(ThreadPoolTest, WakesSleepers) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(CallsOf(pool, 50), std::vector<int>(50, 1));
    absl::SleepFor(absl::Milliseconds(30));
  }
}

TEST_P(ThreadPoolTest, UnevenTasksAreShared) {
  ThreadPool pool(GetParam());
  std::atomic<int> calls{0};
  pool.Run(40, [&](int i) {
    if (i == 0) absl::SleepFor(absl::Milliseconds(5));
    ++calls;
  });
  EXPECT_EQ(calls, 40);
}

TEST_P(ThreadPoolTest, KeepsDenormalsInEveryThread) {
  const unsigned before = _mm_getcsr();
  constexpr unsigned kFlush = 0x8040;  // FTZ and DAZ, as some libraries set.
  _mm_setcsr(before | kFlush);
  std::atomic<int> flushed{0};
  {
    ThreadPool pool(GetParam());
    pool.Run(100, [&](int) {
      volatile float small = std::numeric_limits<float>::min();
      volatile float half = small * 0.5f;
      if (half == 0.0f) ++flushed;
    });
  }
  EXPECT_EQ(flushed, 0);
  EXPECT_EQ(_mm_getcsr() & kFlush, kFlush) << "the caller's own mode is lost";
  _mm_setcsr(before);
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 3, 8));

// The cores a thread may run on.
int CoresOfThread() {
  cpu_set_t cores;
  EXPECT_EQ(sched_getaffinity(0, sizeof(cores), &cores), 0);
  return CPU_COUNT(&cores);
}

// How many of a pool's threads, the caller left out, are bound to one core.
int BoundThreads(ThreadPool::Placement placement) {
  ThreadPool pool(3, placement);
  absl::Mutex mu;
  std::set<std::thread::id> bound;
  const std::thread::id caller = std::this_thread::get_id();
  for (int round = 0; round < 20; ++round) {
    pool.Run(30, [&](int) {
      absl::SleepFor(absl::Microseconds(100));
      if (std::this_thread::get_id() == caller || CoresOfThread() != 1) return;
      absl::MutexLock lock(&mu);
      bound.insert(std::this_thread::get_id());
    });
  }
  return bound.size();
}

TEST(ThreadPoolTest, ThreadsArePinnedOnRequestOnly) {
  const int before = CoresOfThread();
  if (before == 1) GTEST_SKIP() << "one core: every thread is bound to it";
  EXPECT_EQ(BoundThreads(ThreadPool::Placement::kFree), 0);
  EXPECT_EQ(BoundThreads(ThreadPool::Placement::kPinned), 2);
  EXPECT_EQ(CoresOfThread(), before) << "the caller stays free";
}

TEST(ThreadPoolTest, NoneSaidIsOneForEachCore) {
  ThreadPool pool(0);
  EXPECT_EQ(pool.threads(), UsableCores());
  pool.SetThreads(UsableCores() + 1);
  pool.SetThreads(0);
  EXPECT_EQ(pool.threads(), UsableCores());
}

TEST(ThreadPoolTest, ChangesItsThreads) {
  ThreadPool pool(1);
  for (int threads : {3, 1, 2, 2, 5}) {
    pool.SetThreads(threads);
    EXPECT_EQ(pool.threads(), threads);
    EXPECT_EQ(CallsOf(pool, 33), std::vector<int>(33, 1));
  }
}

}  // namespace
}  // namespace oxbow
