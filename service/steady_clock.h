// Time that nobody sets, to measure how long something takes.
#ifndef OXBOW_SERVICE_STEADY_CLOCK_H_
#define OXBOW_SERVICE_STEADY_CLOCK_H_

#include <chrono>

#include "absl/time/time.h"
#include "base/clock.h"

namespace oxbow {

// Only differences mean anything: setting the machine's clock changes none.
class SteadyClock : public Clock {
 public:
  absl::Time Now() const override {
    return absl::UnixEpoch() +
           absl::FromChrono(
               std::chrono::steady_clock::now().time_since_epoch());
  }
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_STEADY_CLOCK_H_
