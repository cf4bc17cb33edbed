#include "clients/cli/progress.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace oxbow::cli {
namespace {

std::string Clock(absl::Duration duration) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  return absl::StrFormat("%d:%02d", seconds / 60, seconds % 60);
}

double MiB(int64_t bytes) { return bytes / 1048576.0; }

}  // namespace

Progress::Progress(std::ostream* out, bool is_terminal,
                   absl::optional<int64_t> total)
    : line_(out, is_terminal), total_(total) {}

void Progress::Begin(const v1::AppendAck& ack, absl::Time now) {
  first_ = newest_ = ack;
  begun_ = now;
}

std::string Progress::Line(absl::Time now) const {
  const int64_t applied = newest_.applied().byte_offset();
  const int64_t durable = newest_.durable().byte_offset();
  const double seconds = std::max(absl::ToDoubleSeconds(now - begun_), 0.001);
  const int64_t tokens = newest_.token_offset() - first_.token_offset();
  std::string line;
  if (total_.has_value()) {
    const double share = *total_ == 0 ? 1.0 : 1.0 * applied / *total_;
    line = Bar(share);
  }
  absl::StrAppendFormat(&line, "%.2f", MiB(applied));
  if (total_.has_value()) absl::StrAppendFormat(&line, "/%.2f", MiB(*total_));
  absl::StrAppendFormat(&line, " MiB  %d tokens  %.0f tokens/s",
                        newest_.token_offset(), tokens / seconds);
  const int64_t done = applied - first_.applied().byte_offset();
  if (total_.has_value() && done > 0 && applied < *total_) {
    absl::StrAppend(&line, "  ETA ",
                    Clock(absl::Seconds(seconds * (*total_ - applied) / done)));
  }
  absl::StrAppendFormat(&line, "  durable %.2f MiB", MiB(durable));
  return line;
}

void Progress::Show(const v1::AppendAck& ack, absl::Time now) {
  newest_ = ack;
  line_.Show(now, [&] { return Line(now); });
}

void Progress::Finish(absl::Time now) { line_.Finish(Line(now)); }

void Progress::Say(absl::string_view sentence) { line_.Say(sentence); }

}  // namespace oxbow::cli
