#include "clients/bench/stage.h"

#include "absl/time/clock.h"
#include "base/status_macros.h"

namespace oxbow::bench {

absl::Status Stage::Wait(const std::function<bool()>& done,
                         const std::function<absl::Status()>& fault) const {
  while (true) {
    if (interrupted->load()) return absl::CancelledError("interrupted");
    RETURN_IF_ERROR(fault());
    if (done()) return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(5));
  }
}

}  // namespace oxbow::bench
