#include "clients/bench/latencies.h"

#include <algorithm>
#include <cmath>

namespace oxbow::bench {

void Latencies::Add(absl::Duration latency) {
  seconds_.push_back(absl::ToDoubleSeconds(latency));
}

absl::optional<double> Latencies::Percentile(double percent) const {
  if (seconds_.empty()) return absl::nullopt;
  std::vector<double> sorted = seconds_;
  const auto rank =
      static_cast<size_t>(std::ceil(percent / 100 * sorted.size()));
  const auto chosen = sorted.begin() + std::max<size_t>(rank, 1) - 1;
  std::nth_element(sorted.begin(), chosen, sorted.end());
  return *chosen;
}

}  // namespace oxbow::bench
