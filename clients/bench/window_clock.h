// Cuts the reading of a long document into windows.
#ifndef OXBOW_CLIENTS_BENCH_WINDOW_CLOCK_H_
#define OXBOW_CLIENTS_BENCH_WINDOW_CLOCK_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "clients/bench/long_figures.h"

namespace oxbow::bench {

// A window ends with the first ack that reaches its last token: it holds what
// was applied from ack to ack, so that its speed is exact and only its length
// is about `tokens` / `windows`. Where an ack passes several ends, there are
// fewer windows. Thread-compatible.
class WindowClock {
 public:
  // `resident`: asked as each window ends; may be empty.
  WindowClock(int64_t tokens, int windows, std::function<int64_t()> resident)
      : tokens_(tokens),
        windows_max_(windows),
        resident_(std::move(resident)) {}

  // The server has applied so many tokens of the document. What came before
  // the first that says more than 0 counts for no window.
  void OnApplied(int64_t token_offset, absl::Time now);

  int64_t token_offset() const { return token_offset_; }
  bool done() const { return token_offset_ >= tokens_; }
  const std::vector<LongWindow>& windows() const { return windows_; }

 private:
  // Where the window ends that holds the token behind `token_offset`.
  int64_t EndAfter(int64_t token_offset) const;

  const int64_t tokens_;
  const int windows_max_;
  const std::function<int64_t()> resident_;
  int64_t token_offset_ = 0;
  int64_t begin_ = 0;  // of the window; 0: none has begun
  int64_t end_ = 0;
  absl::Time begun_;
  std::vector<LongWindow> windows_;
};

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_WINDOW_CLOCK_H_
