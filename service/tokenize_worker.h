// A thread for tokenizing, so that gRPC's callbacks never do it.
#ifndef OXBOW_SERVICE_TOKENIZE_WORKER_H_
#define OXBOW_SERVICE_TOKENIZE_WORKER_H_

#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace oxbow {

// Runs what it is given, one after the other. Thread-safe. The destructor
// runs what was taken before it returns.
class TokenizeWorker {
 public:
  // `queue_max`: items that wait. A request is at most about 1 MiB, so 32
  // are a second of work and 32 MiB.
  explicit TokenizeWorker(int queue_max = 32);
  ~TokenizeWorker();

  // ResourceExhausted/TOO_BUSY, `work` not run: the queue is full.
  absl::Status Run(std::function<void()> work);

 private:
  void Loop();

  const size_t queue_max_;
  absl::Mutex mu_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_TOKENIZE_WORKER_H_
