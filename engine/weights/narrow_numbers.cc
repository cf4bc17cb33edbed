#include "engine/weights/narrow_numbers.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "kernels/blocks.h"

namespace oxbow {
namespace {

uint16_t NarrowToBF16(float number) {
  uint32_t bits;
  std::memcpy(&bits, &number, sizeof(bits));
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// From here on a number would round to infinity.
float TooLargeFor(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return 65520.0f;
    case DType::kBF16:
      return 3.3961775e38f;  // 2^128 - 2^119
    default:
      return std::numeric_limits<float>::infinity();
  }
}

}  // namespace

bool NarrowNumbers(char* to, const float* from, DType dtype, int64_t count) {
  OXBOW_CHECK(NumbersPerBlock(dtype) == 1) << NameOf(dtype);
  // A NaN is not less than anything.
  const float too_large = TooLargeFor(dtype);
  const bool all_fit = std::all_of(from, from + count, [=](float number) {
    return std::fabs(number) < too_large;
  });
  if (!all_fit) return false;
  if (dtype == DType::kF32) {
    std::memcpy(to, from, count * sizeof(float));
    return true;
  }
  for (int64_t i = 0; i < count; ++i) {
    const uint16_t bits =
        dtype == DType::kF16 ? NarrowToHalf(from[i]) : NarrowToBF16(from[i]);
    std::memcpy(to + i * sizeof(bits), &bits, sizeof(bits));
  }
  return true;
}

}  // namespace oxbow
