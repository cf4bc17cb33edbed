// Threads that share one list of tasks at a time.
#ifndef OXBOW_KERNELS_CPU_THREAD_POOL_H_
#define OXBOW_KERNELS_CPU_THREAD_POOL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"

namespace oxbow {

// Runs lists of independent tasks on a number of threads, the caller
// being one of them. Between lists the others spin for a moment, then yield,
// then sleep, at once if somebody else needs the core: a step of a model is
// some hundred short lists, and on a shared machine a thread that only spins
// takes the core from the one it waits for.
//
// Each thread starts with its own run of neighbouring tasks (weights are read
// best in order) and, when done, takes tasks from the end of another's run:
// a thread the system has put aside holds up only the task in its hands.
//
// Tasks run with denormals kept and rounding to nearest, in every thread.
//
// Thread-compatible: one thread at a time calls it; tasks must not. Models
// that take turns on one thread share a pool: the threads of a second one
// would wait, spinning, on the cores that the first one needs.
class ThreadPool {
 public:
  // kFree: the system chooses the core of each thread.
  // kPinned: each but the caller, whose threads would inherit it, stays on a
  // core of its own, one that the process may use; past their number they
  // share. For a machine that does nothing else.
  enum class Placement { kFree, kPinned };

  // A pool of `threads`, the caller included; 0: one for each of
  // UsableCores().
  explicit ThreadPool(int threads, Placement placement = Placement::kFree);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(runs_.size()); }
  // Stops the present threads and starts others; 0 as above.
  void SetThreads(int threads);

  // Calls task(0) .. task(count - 1), in any order and at the same time, and
  // returns when all have returned.
  void Run(int count, absl::FunctionRef<void(int)> task);

 private:
  // The tasks a thread has not taken yet: first in the low half, end in the
  // high half, so that owner and thief agree by one compare-and-swap.
  struct alignas(64) TaskRun {
    std::atomic<uint64_t> first_end{0};
  };

  void Start(int threads);
  void Pin(int self) const;
  void Stop();
  void Loop(int self);
  // Takes and calls tasks until none is left.
  void Work(int self);
  bool TakeFirst(TaskRun& run, int* task);
  bool TakeLast(TaskRun& run, int* task);
  // True once a list newer than `served` is open, or the pool stops.
  bool HasNews(uint32_t served) const;
  void Sleep(uint32_t served) ABSL_LOCKS_EXCLUDED(mu_);

  const Placement placement_;
  // One list: its number in the high half; in the low half kOpen while threads
  // may still join, plus the number of threads at work on it.
  std::atomic<uint64_t> list_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<int> sleepers_{0};
  std::vector<TaskRun> runs_;  // [threads]
  const absl::FunctionRef<void(int)>* task_ =
      nullptr;  // set before list_ opens

  absl::Mutex mu_;
  absl::CondVar wake_ ABSL_GUARDED_BY(mu_);

  std::vector<std::thread> workers_;
};

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_THREAD_POOL_H_
