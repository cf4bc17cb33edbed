// The streams a benchmark makes, and unmakes.
#ifndef OXBOW_CLIENTS_BENCH_BENCH_STREAMS_H_
#define OXBOW_CLIENTS_BENCH_BENCH_STREAMS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/connection.h"

namespace oxbow::bench {

// Names are oxbow-bench-RUN-NUMBER; RUN is drawn at random. Thread-compatible.
class BenchStreams {
 public:
  // `keep`: DeleteAll() does nothing. Else the server drops the streams after
  // a day, should this process be killed. Borrows the connection.
  BenchStreams(cli::Connection* connection, bool keep);

  const std::string& prefix() const { return prefix_; }

  // An empty stream; its name. `embed_every`: of its embedding plan, in tokens;
  // 0: it has none.
  absl::StatusOr<std::string> Create(int64_t embed_every = 0);

  // All that were made since the last time. After an error some are left, and
  // its sentence says how to be rid of them.
  absl::Status DeleteAll();

 private:
  cli::Connection* const connection_;
  const bool keep_;
  const std::string prefix_;
  int made_ = 0;
  std::vector<std::string> names_;  // to be deleted
};

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_BENCH_STREAMS_H_
