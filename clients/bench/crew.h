// Threads that work until they are told to stop.
#ifndef OXBOW_CLIENTS_BENCH_CREW_H_
#define OXBOW_CLIENTS_BENCH_CREW_H_

#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace oxbow::bench {

// Add and Stop: one thread. The rest: thread-safe. The destructor stops.
class Crew {
 public:
  ~Crew() { Stop(); }

  // Starts a thread. `cancel` makes `work` return soon, also if that has not
  // begun; it is called from Stop() alone. What both use outlives Stop().
  void Add(std::function<absl::Status()> work, std::function<void()> cancel);

  // The first that failed before Stop(); OK: none.
  absl::Status fault() const;
  // All have returned.
  bool done() const;

  // Cancels and joins all.
  void Stop();

 private:
  std::vector<std::thread> threads_;
  std::vector<std::function<void()>> cancels_;

  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  int running_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status fault_ ABSL_GUARDED_BY(mu_);
};

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_CREW_H_
