#include "kernels/cpu/half_rows.h"

#include <algorithm>
#include <cstring>

namespace oxbow {
namespace {

// Rows a multiple of 4 KiB apart would fight for the same cache sets.
constexpr int kPitchPadding = 32;

uint16_t NarrowToBf16(float number) {
  uint32_t bits;
  std::memcpy(&bits, &number, sizeof(bits));
  const bool is_nan = (bits & 0x7fffffff) > 0x7f800000;
  // Rounding must not carry a NaN into an infinity.
  const uint32_t rounding = is_nan ? 0 : 0x7fff + (bits >> 16 & 1);
  return static_cast<uint16_t>((bits + rounding) >> 16 | (is_nan ? 0x40 : 0));
}

}  // namespace

void HalfRowsRoom::Resize(const Rows& x) {
  pitch_ = (x.width + 1) / 2 * 2 + kPitchPadding;
  data_.resize(x.count * pitch_);
}

void HalfRowsRoom::Fill(const Rows& x, int n) {
  uint16_t* to = &data_[n * pitch_];
  std::transform(x.row(n), x.row(n) + x.width, to, NarrowToBf16);
  to[x.width] = 0;
}

}  // namespace oxbow
