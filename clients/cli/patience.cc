#include "clients/cli/patience.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/call_status.h"

namespace oxbow::cli {
namespace {

const absl::Duration kFirstPause = absl::Milliseconds(50);
const absl::Duration kLongestPause = absl::Milliseconds(500);

}  // namespace

absl::Status Patience::Try(const std::function<absl::Status()>& attempt) {
  while (true) {
    const absl::Status status = attempt();
    if (status.ok()) {
      Progress();
      return status;
    }
    if (!MayRetry(status)) return status;
    const absl::Time now = absl::Now();
    if (!broken_since_.has_value()) {
      broken_since_ = now;
      pause_ = kFirstPause;
      if (retry_for_ > absl::ZeroDuration()) {
        say_(absl::StrCat("waiting for the server: ", Sentence(status)));
      }
    }
    if (now - *broken_since_ >= retry_for_) return status;
    absl::SleepFor(pause_);
    pause_ = std::min(2 * pause_, kLongestPause);
  }
}

}  // namespace oxbow::cli
