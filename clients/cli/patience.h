// How long a broken connection is waited for.
#ifndef OXBOW_CLIENTS_CLI_PATIENCE_H_
#define OXBOW_CLIENTS_CLI_PATIENCE_H_

#include <functional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace oxbow::cli {

// Tries again while it makes sense: the fault may pass, and less than
// `retry_for` went by since the last progress. Thread-compatible.
class Patience {
 public:
  // `say` is told, once a break, that it is waited for.
  Patience(absl::Duration retry_for, std::function<void(absl::string_view)> say)
      : retry_for_(retry_for), say_(std::move(say)) {}

  // Calls `attempt` until it is OK or there is no point in going on; returns
  // its last status.
  absl::Status Try(const std::function<absl::Status()>& attempt);

  // The server did something for us: a later break gets the whole time.
  void Progress() { broken_since_.reset(); }

 private:
  const absl::Duration retry_for_;
  const std::function<void(absl::string_view)> say_;
  absl::optional<absl::Time> broken_since_;
  absl::Duration pause_;
};

// The flag --retry-for, in seconds.
void AddRetryFor(CLI::App* command, double* seconds);

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_PATIENCE_H_
