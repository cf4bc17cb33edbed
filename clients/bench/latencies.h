// How long things took, for percentiles.
#ifndef OXBOW_CLIENTS_BENCH_LATENCIES_H_
#define OXBOW_CLIENTS_BENCH_LATENCIES_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace oxbow::bench {

// Keeps every duration: eight bytes each. Thread-compatible.
class Latencies {
 public:
  void Add(absl::Duration latency);

  int64_t count() const { return seconds_.size(); }

  // In seconds, by nearest rank: the shortest that at least `percent` of all
  // do not pass. `percent`: above 0, up to 100. nullopt: there are none.
  absl::optional<double> Percentile(double percent) const;

 private:
  std::vector<double> seconds_;
};

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_LATENCIES_H_
