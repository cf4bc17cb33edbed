#include "clients/bench/window_clock.h"

namespace oxbow::bench {

int64_t WindowClock::EndAfter(int64_t token_offset) const {
  const int64_t window = token_offset * windows_max_ / tokens_;
  // Rounded up, so that the offset given lies before it.
  return ((window + 1) * tokens_ + windows_max_ - 1) / windows_max_;
}

void WindowClock::OnApplied(int64_t token_offset, absl::Time now) {
  if (done() || token_offset <= token_offset_) return;
  token_offset_ = token_offset;
  if (begin_ == 0) {
    begin_ = token_offset;
    end_ = EndAfter(token_offset);
    begun_ = now;
    return;
  }
  if (token_offset < end_) return;
  LongWindow window;
  window.token_end = token_offset;
  window.tokens = token_offset - begin_;
  window.seconds = absl::ToDoubleSeconds(now - begun_);
  if (resident_) window.resident_bytes = resident_();
  windows_.push_back(window);
  begin_ = token_offset;
  end_ = EndAfter(token_offset);
  begun_ = now;
}

}  // namespace oxbow::bench
