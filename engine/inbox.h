// The one way onto the engine thread.
#ifndef OXBOW_ENGINE_INBOX_H_
#define OXBOW_ENGINE_INBOX_H_

#include <functional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace oxbow {

// Work for the engine thread. Thread-safe.
class Inbox {
 public:
  void Post(std::function<void()> work);
  // Waits up to `timeout` for something to be posted, then takes all of it.
  std::vector<std::function<void()>> Take(absl::Duration timeout);

 private:
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return !work_.empty();
  }

  absl::Mutex mu_;
  std::vector<std::function<void()>> work_ ABSL_GUARDED_BY(mu_);
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_INBOX_H_
