#include "engine/model/load_progress.h"

#include <utility>

#include "absl/strings/str_format.h"

namespace oxbow {
namespace {

const absl::Duration kSilence = absl::Seconds(2);
const absl::Duration kPeriod = absl::Seconds(1);

}  // namespace

LoadProgress::LoadProgress(std::string file_name, bool is_terminal,
                           std::ostream* out, const Clock* clock)
    : file_name_(std::move(file_name)),
      is_terminal_(is_terminal),
      out_(out),
      clock_(clock),
      next_(clock->Now() + kSilence) {}

void LoadProgress::Update(int64_t done, int64_t total) {
  const absl::Time now = clock_->Now();
  if (now < next_ || total <= 0) return;
  next_ = now + kPeriod;
  shown_ = true;
  *out_ << (is_terminal_ ? "\r" : "")
        << absl::StrFormat("loading %s: %3.0f%% of %.1f MiB", file_name_,
                           100.0 * done / total, total / 1048576.0)
        << (is_terminal_ ? "" : "\n") << std::flush;
}

void LoadProgress::Finish() {
  if (is_terminal_ && shown_) *out_ << std::endl;
}

}  // namespace oxbow
