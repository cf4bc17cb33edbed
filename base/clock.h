// Time behind an interface, so that tests turn the clock themselves.
#ifndef OXBOW_BASE_CLOCK_H_
#define OXBOW_BASE_CLOCK_H_

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace oxbow {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

// The machine's clock.
class RealClock : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

}  // namespace oxbow

#endif  // OXBOW_BASE_CLOCK_H_
