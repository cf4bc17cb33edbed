#include "kernels/cpu/thread_pool.h"

#include <immintrin.h>
#include <sched.h>

#include <chrono>

#include "base/check.h"
#include "kernels/cpu/usable_cores.h"

namespace oxbow {
namespace {

constexpr uint64_t kOpen = 1u << 31;
constexpr uint64_t kCountMask = kOpen - 1;
// Pauses before a waiting thread yields: some ten microseconds, more than the
// gap between two lists of one step.
constexpr int kSpins = 1000;
// Yields before it sleeps: some milliseconds on an idle machine.
constexpr int kYields = 5000;
// A yield that took so long gave the core to somebody who needs it.
constexpr std::chrono::microseconds kLongYield(20);

uint32_t NumberOf(uint64_t list) { return static_cast<uint32_t>(list >> 32); }

uint64_t FirstEnd(uint64_t first, uint64_t end) { return first | (end << 32); }

// Rounding to nearest, exceptions masked, denormals kept.
constexpr unsigned kFloatControl = 0x1f80;

// False if others need the core: who yields again would get it back late, one
// who is woken gets it soon.
bool YieldIsShort() {
  const auto begin = std::chrono::steady_clock::now();
  sched_yield();
  return std::chrono::steady_clock::now() - begin < kLongYield;
}

class ScopedFloatControl {
 public:
  ScopedFloatControl() : saved_(_mm_getcsr()) { _mm_setcsr(kFloatControl); }
  ~ScopedFloatControl() { _mm_setcsr(saved_); }

 private:
  const unsigned saved_;
};

}  // namespace

ThreadPool::ThreadPool(int threads, Placement placement)
    : placement_(placement) {
  Start(threads == 0 ? UsableCores() : threads);
}

ThreadPool::~ThreadPool() { Stop(); }

void ThreadPool::SetThreads(int threads) {
  if (threads == 0) threads = UsableCores();
  if (threads == this->threads()) return;
  Stop();
  Start(threads);
}

void ThreadPool::Start(int threads) {
  OXBOW_CHECK(threads >= 1) << threads;
  runs_ = std::vector<TaskRun>(threads);
  stopping_ = false;
  for (int self = 1; self < threads; ++self) {
    workers_.emplace_back([this, self] { Loop(self); });
  }
}

void ThreadPool::Pin(int self) const {
  cpu_set_t usable;
  if (sched_getaffinity(0, sizeof(usable), &usable) != 0) return;
  int left = self % CPU_COUNT(&usable);
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &usable) || left-- > 0) continue;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(core, &own);
    // A machine that refuses runs it anywhere: nothing but speed depends on it.
    (void)sched_setaffinity(0, sizeof(own), &own);
    return;
  }
}

void ThreadPool::Stop() {
  stopping_ = true;
  {
    absl::MutexLock lock(&mu_);
    wake_.SignalAll();
  }
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void ThreadPool::Run(int count, absl::FunctionRef<void(int)> task) {
  const ScopedFloatControl float_control;
  const int threads = this->threads();
  if (threads == 1 || count <= 1) {
    for (int i = 0; i < count; ++i) task(i);
    return;
  }
  task_ = &task;
  for (int t = 0; t < threads; ++t) {
    const uint64_t first = static_cast<uint64_t>(count) * t / threads;
    const uint64_t end = static_cast<uint64_t>(count) * (t + 1) / threads;
    runs_[t].first_end.store(FirstEnd(first, end), std::memory_order_relaxed);
  }
  const uint64_t number = NumberOf(list_.load()) + uint64_t{1};
  list_.store((number << 32) | kOpen);
  if (sleepers_.load() > 0) {
    absl::MutexLock lock(&mu_);
    wake_.SignalAll();
  }
  Work(0);
  // No task is left to take: whoever comes late must not look for one.
  list_.fetch_and(~kOpen, std::memory_order_acq_rel);
  for (int spins = 0; (list_.load(std::memory_order_acquire) & kCountMask) != 0;
       ++spins) {
    if (spins < kSpins) {
      _mm_pause();
    } else {
      sched_yield();
    }
  }
}

void ThreadPool::Loop(int self) {
  const ScopedFloatControl float_control;
  if (placement_ == Placement::kPinned) Pin(self);
  uint32_t served = NumberOf(list_.load());
  int idle = 0;
  while (!stopping_.load(std::memory_order_relaxed)) {
    uint64_t list = list_.load(std::memory_order_acquire);
    if ((list & kOpen) == 0 || NumberOf(list) == served) {
      if (++idle < kSpins) {
        _mm_pause();
      } else if (idle >= kSpins + kYields || !YieldIsShort()) {
        Sleep(served);
        idle = 0;
      }
      continue;
    }
    if (!list_.compare_exchange_strong(list, list + 1,
                                       std::memory_order_acq_rel)) {
      continue;
    }
    Work(self);
    served = NumberOf(list);
    list_.fetch_sub(1, std::memory_order_release);
    idle = 0;
  }
}

void ThreadPool::Work(int self) {
  const absl::FunctionRef<void(int)>& task = *task_;
  int i;
  while (TakeFirst(runs_[self], &i)) task(i);
  for (int step = 1; step < threads(); ++step) {
    TaskRun& other = runs_[(self + step) % threads()];
    while (TakeLast(other, &i)) task(i);
  }
}

bool ThreadPool::TakeFirst(TaskRun& run, int* task) {
  uint64_t old = run.first_end.load(std::memory_order_relaxed);
  while (true) {
    const uint64_t first = old & 0xffffffffu, end = old >> 32;
    if (first >= end) return false;
    if (run.first_end.compare_exchange_weak(old, FirstEnd(first + 1, end),
                                            std::memory_order_relaxed)) {
      *task = static_cast<int>(first);
      return true;
    }
  }
}

bool ThreadPool::TakeLast(TaskRun& run, int* task) {
  uint64_t old = run.first_end.load(std::memory_order_relaxed);
  while (true) {
    const uint64_t first = old & 0xffffffffu, end = old >> 32;
    if (first >= end) return false;
    if (run.first_end.compare_exchange_weak(old, FirstEnd(first, end - 1),
                                            std::memory_order_relaxed)) {
      *task = static_cast<int>(end - 1);
      return true;
    }
  }
}

bool ThreadPool::HasNews(uint32_t served) const {
  const uint64_t list = list_.load();
  return stopping_.load() || ((list & kOpen) != 0 && NumberOf(list) != served);
}

void ThreadPool::Sleep(uint32_t served) {
  absl::MutexLock lock(&mu_);
  ++sleepers_;
  while (!HasNews(served)) wake_.Wait(&mu_);
  --sleepers_;
}

}  // namespace oxbow
