// Tests choose the instruction set.
#ifndef OXBOW_KERNELS_TESTING_CPU_TARGET_H_
#define OXBOW_KERNELS_TESTING_CPU_TARGET_H_

#include <cstdint>
#include <ostream>

#include "hwy/targets.h"

namespace oxbow {

// An instruction set the kernels are compiled for.
struct CpuTarget {
  const char* name;
  int64_t bit;
};

inline constexpr CpuTarget kCpuTargets[] = {{"AVX2", HWY_AVX2},
                                            {"AVX3", HWY_AVX3}};

// So that test names say which.
inline std::ostream& operator<<(std::ostream& out, const CpuTarget& target) {
  return out << target.name;
}

inline bool HasCpuTarget(const CpuTarget& target) {
  return (hwy::SupportedTargets() & target.bit) != 0;
}

// While it lives, kernels run with this instruction set alone.
class ScopedCpuTarget {
 public:
  explicit ScopedCpuTarget(const CpuTarget& target) {
    hwy::SetSupportedTargetsForTest(target.bit);
  }
  ~ScopedCpuTarget() { hwy::SetSupportedTargetsForTest(0); }
  ScopedCpuTarget(const ScopedCpuTarget&) = delete;
  ScopedCpuTarget& operator=(const ScopedCpuTarget&) = delete;
};

}  // namespace oxbow

#endif  // OXBOW_KERNELS_TESTING_CPU_TARGET_H_
