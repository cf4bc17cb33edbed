// A clock that tests turn.
#ifndef OXBOW_STORE_TESTING_TURNED_CLOCK_H_
#define OXBOW_STORE_TESTING_TURNED_CLOCK_H_

#include <atomic>

#include "absl/time/time.h"
#include "base/clock.h"

namespace oxbow {

// Stands at 2026-01-01 UTC until turned. Thread-safe.
class TurnedClock : public Clock {
 public:
  absl::Time Now() const override {
    return absl::FromUnixSeconds(1767225600 + seconds_);
  }
  void Advance(int seconds) { seconds_ += seconds; }

 private:
  std::atomic<int64_t> seconds_{0};
};

}  // namespace oxbow

#endif  // OXBOW_STORE_TESTING_TURNED_CLOCK_H_
