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

void AddRetryFor(CLI::App* command, double* seconds) {
  command
      ->add_option("--retry-for", *seconds,
                   "Seconds a broken connection or a restarted server is "
                   "waited for; 0: fail at once")
      ->check(CLI::Range(0.0, 1e9))
      ->check(CLI::Validator(
          [](const std::string& value) {
            return value.find("nan") == std::string::npos ? "" : "not a number";
          },
          ""))
      ->capture_default_str();
}

}  // namespace oxbow::cli
