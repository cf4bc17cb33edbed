// One line about work that goes on, for people.
#ifndef OXBOW_CLIENTS_CLI_STATUS_LINE_H_
#define OXBOW_CLIENTS_CLI_STATUS_LINE_H_

#include <functional>
#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace oxbow::cli {

// On a terminal one line, redrawn ten times a second at most; otherwise a
// line every three seconds. Thread-compatible.
class StatusLine {
 public:
  // `out` null: silent.
  StatusLine(std::ostream* out, bool is_terminal)
      : out_(out), is_terminal_(is_terminal) {}

  // Asks for the line only when it is time for one.
  void Show(absl::Time now, const std::function<std::string()>& line);
  // The last word, always shown, and the end of a redrawn line.
  void Finish(std::string line);
  // A line of its own.
  void Say(absl::string_view sentence);

 private:
  void Draw(std::string line);

  std::ostream* const out_;
  const bool is_terminal_;
  absl::Time next_ = absl::InfinitePast();
  size_t drawn_ = 0;  // characters of the line that stands there
};

// "[######..................]  25%  ". `share` is 0 .. 1; more counts as 1.
std::string Bar(double share);

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_STATUS_LINE_H_
