#include "clients/cli/status_line.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace oxbow::cli {
namespace {

constexpr int kBarWidth = 24;

}  // namespace

std::string Bar(double share) {
  share = std::min(1.0, share);
  const int full = static_cast<int>(share * kBarWidth);
  return absl::StrCat("[", std::string(full, '#'),
                      std::string(kBarWidth - full, '.'), "] ",
                      absl::StrFormat("%3.0f%%  ", share * 100));
}

void StatusLine::Draw(std::string line) {
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

void StatusLine::Show(absl::Time now,
                      const std::function<std::string()>& line) {
  if (out_ == nullptr || now < next_) return;
  next_ = now + (is_terminal_ ? absl::Milliseconds(100) : absl::Seconds(3));
  Draw(line());
}

void StatusLine::Finish(std::string line) {
  if (out_ == nullptr) return;
  Draw(std::move(line));
  if (is_terminal_) *out_ << std::endl;
  drawn_ = 0;
}

void StatusLine::Say(absl::string_view sentence) {
  if (out_ == nullptr) return;
  if (drawn_ > 0) *out_ << "\n";
  drawn_ = 0;
  *out_ << sentence << std::endl;
}

}  // namespace oxbow::cli
