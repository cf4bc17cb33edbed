// Runs loads against a server and measures them.
#ifndef OXBOW_CLIENTS_BENCH_MEASURE_H_
#define OXBOW_CLIENTS_BENCH_MEASURE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "clients/bench/figures.h"
#include "clients/bench/stage.h"

namespace oxbow::bench {

// Each makes its streams and deletes them (stage.streams says if). It lets the
// load run until every stream has had something of the server, then measures
// for stage.window. Errors: Cancelled (interrupted); DeadlineExceeded (a
// stream waited a minute for its first answer, or all for any in the window);
// what the server said.

absl::StatusOr<LoadRun> MeasureIngest(const Stage& stage, int streams);
absl::StatusOr<LoadRun> MeasureGenerate(const Stage& stage, int streams);
// Generation alone, ingest alone, then as many streams of each at once.
absl::StatusOr<LoadRun> MeasureMixed(const Stage& stage, int streams);

// The window does not count: it takes as long as it takes. `bytes`: of the
// document.
absl::StatusOr<TwiceRun> MeasureTwice(const Stage& stage, int64_t bytes);

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_MEASURE_H_
