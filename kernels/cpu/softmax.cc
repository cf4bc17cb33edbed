#include "kernels/cpu/softmax.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/softmax.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/highway.h"
#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

// Sums have one order: four lanes a register where there are as many.
using DoubleTag = hn::CappedTag<double, 4>;
using Doubles = hn::Vec<DoubleTag>;
constexpr size_t kLanes = hn::MaxLanes(DoubleTag());
constexpr size_t kPartials = 16;
constexpr size_t kVectors = kPartials / kLanes;

// exp(x) for x at most 700: 2^n exp(r) with |r| at most log(2) / 2, and its
// series up to r^12 / 12!.
HWY_INLINE Doubles ExpOf(Doubles x) {
  const DoubleTag d;
  const hn::RebindToSigned<DoubleTag> integers;
  const auto is_finite = hn::Ge(x, hn::Set(d, -708.0));
  x = hn::Max(x, hn::Set(d, -708.0));
  // Adding it leaves n in the lowest bits.
  const Doubles magic = hn::Set(d, 0x1.8p52);
  const Doubles shifted = hn::MulAdd(x, hn::Set(d, 1.4426950408889634), magic);
  const Doubles n = hn::Sub(shifted, magic);
  // log(2) in two parts, the first exact times n.
  Doubles r = hn::NegMulAdd(n, hn::Set(d, 0x1.62e42fefa38p-1), x);
  r = hn::NegMulAdd(n, hn::Set(d, 0x1.ef35793c7673p-45), r);
  constexpr double kSeries[] = {1.0 / 479001600,
                                1.0 / 39916800,
                                1.0 / 3628800,
                                1.0 / 362880,
                                1.0 / 40320,
                                1.0 / 5040,
                                1.0 / 720,
                                1.0 / 120,
                                1.0 / 24,
                                1.0 / 6,
                                1.0 / 2,
                                1.0,
                                1.0};
  Doubles sum = hn::Set(d, kSeries[0]);
  OXBOW_UNROLL
  for (size_t k = 1; k < 13; ++k)
    sum = hn::MulAdd(sum, r, hn::Set(d, kSeries[k]));
  const auto power = hn::ShiftLeft<52>(hn::BitCast(integers, shifted));
  const Doubles scaled =
      hn::BitCast(d, hn::Add(hn::BitCast(integers, sum), power));
  return hn::IfThenElseZero(is_finite, scaled);
}

HWY_INLINE double SumOfLanes(const double* sums) {
  double partial[kPartials];
  std::copy_n(sums, kPartials, partial);
  for (size_t half = kPartials / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) partial[i] += partial[i + half];
  }
  return partial[0];
}

double MaxOfNow(absl::Span<const double> x) {
  const DoubleTag d;
  Doubles max[kVectors];
  for (Doubles& each : max) each = hn::Set(d, x[0]);
  size_t i = 0;
  for (; i + kPartials <= x.size(); i += kPartials) {
    OXBOW_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      max[v] = hn::Max(max[v], hn::LoadU(d, x.data() + i + v * kLanes));
    }
  }
  HWY_ALIGN double lanes[kPartials];
  OXBOW_UNROLL
  for (size_t v = 0; v < kVectors; ++v) {
    hn::Store(max[v], d, lanes + v * kLanes);
  }
  double largest = *std::max_element(lanes, lanes + kPartials);
  for (; i < x.size(); ++i) largest = std::max(largest, x[i]);
  return largest;
}

// Calls take(i, values) for each 16 values from `i` on; what lies behind the
// last one is lowest().
template <class Take>
HWY_INLINE void ForParts(absl::Span<const double> x, Take take) {
  size_t i = 0;
  for (; i + kPartials <= x.size(); i += kPartials) take(i, x.data() + i);
  if (i == x.size()) return;
  double rest[kPartials];
  std::fill_n(rest, kPartials, std::numeric_limits<double>::lowest());
  std::copy(x.begin() + i, x.end(), rest);
  take(i, rest);
}

double SumOfExpsNow(absl::Span<const double> x, double shift) {
  const DoubleTag d;
  Doubles sums[kVectors];
  for (Doubles& sum : sums) sum = hn::Zero(d);
  ForParts(x, [&](size_t /*i*/, const double* values) HWY_ATTR {
    OXBOW_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      const Doubles value = hn::LoadU(d, values + v * kLanes);
      sums[v] = hn::Add(sums[v], ExpOf(hn::Sub(value, hn::Set(d, shift))));
    }
  });
  HWY_ALIGN double lanes[kPartials];
  OXBOW_UNROLL
  for (size_t v = 0; v < kVectors; ++v) {
    hn::Store(sums[v], d, lanes + v * kLanes);
  }
  return SumOfLanes(lanes);
}

void ExpsNow(absl::Span<double> y, absl::Span<const double> x, double shift) {
  const DoubleTag d;
  ForParts(x, [&](size_t i, const double* values) HWY_ATTR {
    HWY_ALIGN double lanes[kPartials];
    OXBOW_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      const Doubles value = hn::LoadU(d, values + v * kLanes);
      hn::Store(ExpOf(hn::Sub(value, hn::Set(d, shift))), d,
                lanes + v * kLanes);
    }
    std::copy_n(lanes, std::min(kPartials, x.size() - i), y.data() + i);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oxbow {

HWY_EXPORT(MaxOfNow);
HWY_EXPORT(SumOfExpsNow);
HWY_EXPORT(ExpsNow);

double MaxOf(absl::Span<const double> x) {
  OXBOW_CHECK(!x.empty());
  return HWY_DYNAMIC_DISPATCH(MaxOfNow)(x);
}

double SumOfExps(absl::Span<const double> x, double shift) {
  return HWY_DYNAMIC_DISPATCH(SumOfExpsNow)(x, shift);
}

void Exps(absl::Span<double> y, absl::Span<const double> x, double shift) {
  OXBOW_CHECK(y.size() == x.size()) << y.size() << " and " << x.size();
  HWY_DYNAMIC_DISPATCH(ExpsNow)(y, x, shift);
}

}  // namespace oxbow
#endif  // HWY_ONCE
