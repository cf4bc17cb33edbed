// How far an upload is, for people.
#ifndef OXBOW_CLIENTS_CLI_PROGRESS_H_
#define OXBOW_CLIENTS_CLI_PROGRESS_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "clients/cli/status_line.h"
#include "oxbow/v1/streams.pb.h"

namespace oxbow::cli {

// Shown as StatusLine does. Thread-compatible.
class Progress {
 public:
  // `out` null: silent. `total`: the stream's bytes once all is appended;
  // nullopt: not known.
  Progress(std::ostream* out, bool is_terminal, absl::optional<int64_t> total);

  // Counts from here: what was there before is no progress.
  void Begin(const v1::AppendAck& ack, absl::Time now);
  void Show(const v1::AppendAck& ack, absl::Time now);
  // The last word, always shown, and the end of a redrawn line.
  void Finish(absl::Time now);
  // A line of its own.
  void Say(absl::string_view sentence);

 private:
  std::string Line(absl::Time now) const;

  StatusLine line_;
  const absl::optional<int64_t> total_;
  absl::Time begun_;
  v1::AppendAck first_;
  v1::AppendAck newest_;
};

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_PROGRESS_H_
