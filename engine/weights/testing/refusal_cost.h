// What it may cost to refuse a hostile file.
#ifndef OXBOW_ENGINE_WEIGHTS_TESTING_REFUSAL_COST_H_
#define OXBOW_ENGINE_WEIGHTS_TESTING_REFUSAL_COST_H_

#include <sys/resource.h>

#include "gtest/gtest.h"

namespace oxbow {

// From its construction to its end, a test may take a second of processor time
// (a busy machine is not the parser's fault) and 64 MiB more memory than the
// process ever had before. Twice the memory under AddressSanitizer, which
// surrounds and keeps what is freed.
class RefusalCost {
 public:
  RefusalCost() : start_(Usage()) {}
  ~RefusalCost() {
    const rusage end = Usage();
    EXPECT_LT(Seconds(end) - Seconds(start_), 1.0);
    EXPECT_LT(end.ru_maxrss - start_.ru_maxrss, kKiBMax);
  }

 private:
#ifdef __SANITIZE_ADDRESS__
  static constexpr long kKiBMax = 128 << 10;
#else
  static constexpr long kKiBMax = 64 << 10;
#endif

  static rusage Usage() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage;
  }
  static double Seconds(const rusage& usage) {
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * static_cast<double>(usage.ru_utime.tv_usec +
                                      usage.ru_stime.tv_usec);
  }

  const rusage start_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_TESTING_REFUSAL_COST_H_
