// What every load needs: whom to ask, with which text, and when to stop.
#ifndef OXBOW_CLIENTS_BENCH_STAGE_H_
#define OXBOW_CLIENTS_BENCH_STAGE_H_

#include <atomic>
#include <functional>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "clients/bench/bench_streams.h"
#include "clients/cli/connection.h"

namespace oxbow::bench {

// Borrowed pointers outlive it. Thread-compatible.
struct Stage {
  std::string server;  // HOST:PORT
  cli::Connection* connection = nullptr;
  BenchStreams* streams = nullptr;
  std::string corpus;      // not empty
  int chunk_bytes = 4096;  // of Append
  absl::Duration window;
  const std::atomic<bool>* interrupted = nullptr;
  std::ostream* err = nullptr;  // for progress; null: none
  bool err_is_terminal = false;

  // How long a connection may take to come about.
  static constexpr absl::Duration kConnect = absl::Seconds(10);

  // Looks every few milliseconds until `done`. Cancelled: interrupted. Else
  // the first error of `fault`.
  absl::Status Wait(const std::function<bool()>& done,
                    const std::function<absl::Status()>& fault) const;
};

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_STAGE_H_
