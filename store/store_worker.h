// A thread for store calls that are not appends: reads, checkpoints.
#ifndef OXBOW_STORE_STORE_WORKER_H_
#define OXBOW_STORE_STORE_WORKER_H_

#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace oxbow {

// Runs what it is given, one after the other, in order. Thread-safe. The
// destructor waits for what was queued. Callers bound what they queue.
class StoreWorker {
 public:
  StoreWorker();
  ~StoreWorker();

  void Run(std::function<void()> work);
  // Items waiting or running.
  int pending() const;

 private:
  void Loop();

  mutable absl::Mutex mu_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mu_);
  int pending_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_STORE_WORKER_H_
