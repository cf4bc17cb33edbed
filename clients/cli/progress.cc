#include "clients/cli/progress.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace oxbow::cli {
namespace {

constexpr int kBarWidth = 24;

std::string Clock(absl::Duration duration) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  return absl::StrFormat("%d:%02d", seconds / 60, seconds % 60);
}

double MiB(int64_t bytes) { return bytes / 1048576.0; }

}  // namespace

Progress::Progress(std::ostream* out, bool is_terminal,
                   absl::optional<int64_t> total)
    : out_(out), is_terminal_(is_terminal), total_(total) {}

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
    const double share =
        *total_ == 0 ? 1.0 : std::min(1.0, 1.0 * applied / *total_);
    const int full = static_cast<int>(share * kBarWidth);
    line = absl::StrCat("[", std::string(full, '#'),
                        std::string(kBarWidth - full, '.'), "] ",
                        absl::StrFormat("%3.0f%%  ", share * 100));
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

void Progress::Draw(absl::Time now) {
  std::string line = Line(now);
  if (!is_terminal_) {
    *out_ << line << std::endl;
    return;
  }
  // What stood there may have been longer.
  const size_t length = line.size();
  if (length < drawn_) line.append(drawn_ - length, ' ');
  drawn_ = length;
  *out_ << "\r" << line << std::flush;
}

void Progress::Show(const v1::AppendAck& ack, absl::Time now) {
  newest_ = ack;
  if (out_ == nullptr || now < next_) return;
  next_ = now + (is_terminal_ ? absl::Milliseconds(100) : absl::Seconds(3));
  Draw(now);
}

void Progress::Finish(absl::Time now) {
  if (out_ == nullptr) return;
  Draw(now);
  if (is_terminal_) *out_ << std::endl;
  drawn_ = 0;
}

void Progress::Say(absl::string_view sentence) {
  if (out_ == nullptr) return;
  if (drawn_ > 0) *out_ << "\n";
  drawn_ = 0;
  *out_ << sentence << std::endl;
}

}  // namespace oxbow::cli
