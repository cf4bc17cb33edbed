#include "kernels/cpu/low_rank_row.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/low_rank_row.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/highway.h"
#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

void AddLowRankRowNow(float* row, const float* b, const float* a, int rank,
                      int width, float scale) {
  for (int c = 0; c < width; c += 16) {
    const int count = width - c;
    Lanes sum = Set(0.0f);
    for (int r = 0; r < rank; ++r) {
      const float* from = a + static_cast<ptrdiff_t>(r) * width + c;
      sum = MulAdd(Set(b[r]), Load(from, count), sum);
    }
    Store(MulAdd(Set(scale), sum, Load(row + c, count)), row + c, count);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oxbow {

HWY_EXPORT(AddLowRankRowNow);

void AddLowRankRow(float* row, const float* b, const float* a, int rank,
                   int width, float scale) {
  HWY_DYNAMIC_DISPATCH(AddLowRankRowNow)(row, b, a, rank, width, scale);
}

}  // namespace oxbow
#endif  // HWY_ONCE
