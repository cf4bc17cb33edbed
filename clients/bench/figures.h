// What a load measured, before it is printed.
#ifndef OXBOW_CLIENTS_BENCH_FIGURES_H_
#define OXBOW_CLIENTS_BENCH_FIGURES_H_

#include <cstdint>
#include <vector>

#include "absl/types/optional.h"
#include "clients/bench/latencies.h"
#include "clients/bench/long_figures.h"

namespace oxbow::bench {

// Of all streams together, by what the server said it had applied.
struct IngestFigures {
  double seconds = 0;
  int64_t tokens = 0;
  int64_t bytes = 0;
  // Chunk taken up to be sent -> it is durable. Only of chunks of the window.
  Latencies ack;
};

struct GenerateFigures {
  double seconds = 0;
  int64_t tokens = 0;
  Latencies first_token;  // request -> first token
  Latencies inter_token;  // token -> next token of the same request
};

// One count of streams. What a load does not have is absent.
struct LoadRun {
  int streams = 0;
  absl::optional<IngestFigures> ingest_solo;
  absl::optional<GenerateFigures> generate_idle;
  // Both at once.
  absl::optional<IngestFigures> ingest_mixed;
  absl::optional<GenerateFigures> generate_mixed;
};

// One document, ingested into two streams one after the other.
struct TwiceRun {
  int64_t bytes = 0;
  int64_t tokens = 0;
  double first_seconds = 0;
  double second_seconds = 0;
};

struct Figures {
  std::vector<LoadRun> runs;
  absl::optional<TwiceRun> twice;
  absl::optional<LongRun> long_run;
};

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_FIGURES_H_
