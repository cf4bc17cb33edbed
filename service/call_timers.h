// Time limits of calls, all on one thread.
#ifndef OXBOW_SERVICE_CALL_TIMERS_H_
#define OXBOW_SERVICE_CALL_TIMERS_H_

#include <functional>
#include <set>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace oxbow {

class CallTimer;

// Rings the timers that are due, up to a tenth of a second late.
//
// Thread-safe. Outlives its timers. Borrows the clock.
class CallTimers {
 public:
  explicit CallTimers(const Clock* clock);
  ~CallTimers();

 private:
  friend class CallTimer;

  void Loop();
  void RingDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsArmed() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return stopping_ || !due_.empty();
  }

  const Clock* const clock_;
  absl::Mutex mu_;
  std::set<std::pair<absl::Time, CallTimer*>> due_ ABSL_GUARDED_BY(mu_);
  const CallTimer* ringing_ ABSL_GUARDED_BY(mu_) = nullptr;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

// One limit of one call. Declare it as the call's last member: its destructor
// waits for a ring that is under way, which still needs the others.
//
// Start() and Stop() are not for two threads at once. Hold no lock in Stop()
// that `ring` takes.
class CallTimer {
 public:
  // Borrows the timers. `ring` runs on their thread and may end the call,
  // even destroy it.
  CallTimer(CallTimers* timers, std::function<void()> ring)
      : timers_(timers), ring_(std::move(ring)) {}
  ~CallTimer() { Stop(); }
  CallTimer(const CallTimer&) = delete;
  CallTimer& operator=(const CallTimer&) = delete;

  // Rings once when `limit` has passed, if it is not stopped or started anew
  // before. Zero: never.
  void Start(absl::Duration limit);
  // It does not ring any more, and is not ringing, unless this is called from
  // within the ring. True if it has rung since Start().
  bool Stop();

 private:
  friend class CallTimers;

  CallTimers* const timers_;
  const std::function<void()> ring_;
  // Guarded by the timers' lock.
  absl::Time due_ = absl::InfiniteFuture();
  bool rang_ = false;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_CALL_TIMERS_H_
