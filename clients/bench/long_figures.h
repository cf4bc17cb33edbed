// What reading one very long document measured.
#ifndef OXBOW_CLIENTS_BENCH_LONG_FIGURES_H_
#define OXBOW_CLIENTS_BENCH_LONG_FIGURES_H_

#include <cstdint>
#include <vector>

#include "absl/types/optional.h"

namespace oxbow::bench {

// A stretch of the document, by what the server said it had applied.
struct LongWindow {
  int64_t token_end = 0;
  int64_t tokens = 0;
  double seconds = 0;
  // Private memory of the server as the stretch ended. Absent: not asked for.
  absl::optional<int64_t> resident_bytes;

  double tokens_per_second() const { return tokens / seconds; }
};

// A vector of a point of the document, asked for once all of it was read.
struct LongProbe {
  int64_t byte_offset = 0;
  int64_t token_offset = 0;
  // Tokens from the nearest kept checkpoint at or before the point.
  int64_t distance_tokens = 0;
  double seconds = 0;  // request -> answer
};

struct LongRun {
  int64_t tokens = 0;
  int64_t bytes = 0;
  std::vector<LongWindow> windows;
  // The embedding plan; how many vectors it stands for; how many are stored,
  // each beginning where the one before ended, from the first token on.
  int64_t embed_every = 0;
  int64_t embeddings_expected = 0;
  int64_t embeddings_stored = 0;
  int64_t checkpoints = 0;  // kept of the document
  std::vector<LongProbe> probes;
};

// Median tokens a second of the windows of the first and the last tenth.
double FirstTenthSpeed(const LongRun& run);
double LastTenthSpeed(const LongRun& run);
// The same of all windows: what a probe's way is measured by.
double PrefillSpeed(const LongRun& run);

// The longest a probe may take: half as long again as reading its distance,
// and 20 ms for all else.
double AllowedSeconds(const LongRun& run, const LongProbe& probe);
// 0 .. 1; NaN: there are none.
double ShareWithinAllowed(const LongRun& run);

// Of the last tenth, beside the first: median memory. nullopt: not sampled.
absl::optional<double> ResidentRatio(const LongRun& run);

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_LONG_FIGURES_H_
