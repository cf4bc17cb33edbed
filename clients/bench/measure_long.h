// Reads one very long document and asks about places in it.
#ifndef OXBOW_CLIENTS_BENCH_MEASURE_LONG_H_
#define OXBOW_CLIENTS_BENCH_MEASURE_LONG_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "clients/bench/long_figures.h"
#include "clients/bench/stage.h"

namespace oxbow::bench {

struct LongOptions {
  int64_t tokens = 2000000;    // of the document, and what was on its way then
  int64_t embed_every = 1000;  // tokens; the embedding plan
  int probes = 200;
  // The server's process, on this machine, to sample its memory; 0: none.
  pid_t server_pid = 0;
};

constexpr int kLongWindows = 200;

// One stream of stage.corpus again and again, in kLongWindows windows; then the
// stored vectors are counted, and `probes` points at random bytes (always the
// same) embedded one after the other, by their last hidden row. The stream is
// deleted (stage.streams says if); stage.window does not count. Interrupted
// while it embeds, it tells what it has. Errors: Cancelled (interrupted
// before); a usage fault (no process server_pid, too few tokens); what the
// server said.
absl::StatusOr<LongRun> MeasureLong(const Stage& stage,
                                    const LongOptions& options);

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_MEASURE_LONG_H_
