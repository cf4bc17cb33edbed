// The middle of some figures, and half of them around it.
#ifndef OXBOW_TESTS_BENCH_SPREAD_H_
#define OXBOW_TESTS_BENCH_SPREAD_H_

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace oxbow {

struct Spread {
  double median = 0, low = 0, high = 0;
};

// At least one figure.
inline Spread SpreadOf(std::vector<double> figures) {
  OXBOW_CHECK(!figures.empty()) << "a spread of nothing";
  std::sort(figures.begin(), figures.end());
  const size_t count = figures.size();
  return {figures[count / 2], figures[count / 4],
          figures[count - 1 - count / 4]};
}

}  // namespace oxbow

#endif  // OXBOW_TESTS_BENCH_SPREAD_H_
