#include "kernels/cpu/short_rows.h"

#include <limits>

#include "base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/short_rows.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/highway.h"
#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

// Exponents as fp32 stores them. Below the least, the unit no longer shrinks:
// its inverse would overflow.
constexpr uint32_t kExponentOfNaN = 255;
constexpr uint32_t kLeastExponent = 15;
// A group whose largest number has the exponent e has the unit 2^(e - 14).
constexpr uint32_t kUnitBelow = 14;

HWY_INLINE float PowerOfTwo(uint32_t exponent) {
  const uint32_t bits = exponent << 23;
  float power;
  hwy::CopySameSize(&bits, &power);
  return power;
}

// The largest exponent among a group's numbers.
HWY_INLINE uint32_t LargestExponent(const float* x) {
  const hn::RebindToUnsigned<FloatTag> d;
  auto largest = hn::Zero(d);
  for (int i = 0; i < kShortGroup; i += kLanesOfVector) {
    const auto bits = hn::BitCast(d, hn::LoadU(FloatTag(), x + i));
    largest = hn::Max(largest, hn::And(bits, hn::Set(d, 0x7f800000u)));
  }
  return hn::GetLane(hn::MaxOfLanes(d, largest)) >> 23;
}

// to = round(x * inverse), at most 2^15 - 1; returns their sum.
HWY_INLINE int32_t Shorten(const float* x, float inverse, int16_t* to) {
  const hn::RebindToSigned<FloatTag> dwords;
  const hn::Rebind<int16_t, FloatTag> words;
  auto sum = hn::Zero(dwords);
  for (int i = 0; i < kShortGroup; i += kLanesOfVector) {
    const FloatVector scaled =
        hn::Mul(hn::LoadU(FloatTag(), x + i), hn::Set(FloatTag(), inverse));
    // One past the end only by rounding up.
    const auto rounded =
        hn::Min(hn::NearestInt(scaled), hn::Set(dwords, 0x7fff));
    hn::StoreU(hn::DemoteTo(words, rounded), words, to + i);
    sum = hn::Add(sum, rounded);
  }
  return hn::GetLane(hn::SumOfLanes(dwords, sum));
}

void ShortenRow(const float* x, int groups, int16_t* to, float* units,
                int32_t* sums) {
  for (int g = 0; g < groups; ++g) {
    const uint32_t largest = LargestExponent(x);
    const bool is_finite = largest < kExponentOfNaN;
    const uint32_t exponent =
        largest < kLeastExponent || !is_finite ? kLeastExponent : largest;
    units[g] = is_finite ? PowerOfTwo(exponent - kUnitBelow)
                         : std::numeric_limits<float>::quiet_NaN();
    sums[g] = Shorten(x, PowerOfTwo(254 + kUnitBelow - exponent), to);
    x += kShortGroup;
    to += kShortGroup;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oxbow {
namespace {

HWY_EXPORT(ShortenRow);

// Rows a multiple of 4 KiB apart would fight for the same cache sets.
constexpr int kPitchPadding = 32;

}  // namespace

void ShortRowsRoom::Resize(const Rows& x) {
  OXBOW_CHECK(x.width % kShortGroup == 0) << x.width;
  pitch_ = x.width + kPitchPadding;
  groups_ = x.width / kShortGroup;
  data_.resize(x.count * pitch_);
  units_.resize(size_t{1} * x.count * groups_);
  sums_.resize(size_t{1} * x.count * groups_);
}

void ShortRowsRoom::Fill(const Rows& x, int n) {
  const int64_t group = int64_t{1} * n * groups_;
  HWY_DYNAMIC_DISPATCH(ShortenRow)
  (x.row(n), groups_, &data_[n * pitch_], &units_[group], &sums_[group]);
}

ShortRows ShortRowsRoom::rows() const {
  return {data_.data(), pitch_, units_.data(), sums_.data(), groups_};
}

}  // namespace oxbow
#endif  // HWY_ONCE
