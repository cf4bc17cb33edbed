// What it may cost to refuse a hostile file.
#ifndef OXBOW_ENGINE_WEIGHTS_TESTING_REFUSAL_COST_H_
#define OXBOW_ENGINE_WEIGHTS_TESTING_REFUSAL_COST_H_

#include <sys/resource.h>

#include <chrono>

#include "gtest/gtest.h"

namespace oxbow {

// From its construction to its end, a test may take a second and 64 MiB more
// memory than the process ever had before.
class RefusalCost {
 public:
  RefusalCost() : start_(std::chrono::steady_clock::now()), peak_(PeakKiB()) {}
  ~RefusalCost() {
    EXPECT_LT(std::chrono::steady_clock::now() - start_,
              std::chrono::seconds(1));
    EXPECT_LT(PeakKiB() - peak_, 64 << 10);
  }

 private:
  static long PeakKiB() {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  }

  const std::chrono::steady_clock::time_point start_;
  const long peak_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_TESTING_REFUSAL_COST_H_
