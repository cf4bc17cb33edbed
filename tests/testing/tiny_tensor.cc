#include "tests/testing/tiny_tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace oxbow {
namespace {

uint32_t BitsOf(float number) {
  uint32_t bits;
  std::memcpy(&bits, &number, sizeof(bits));
  return bits;
}

// Drops the low `count` bits, to nearest even.
uint32_t RoundOff(uint32_t bits, int count) {
  const uint32_t half = uint32_t{1} << (count - 1);
  return (bits + half - 1 + ((bits >> count) & 1)) >> count;
}

uint16_t ToF16(float number) {
  const uint32_t bits = BitsOf(number);
  const uint16_t sign = (bits >> 16) & 0x8000;
  const float size = std::fabs(number);
  if (size >= 65520.0f) return sign | 0x7c00;
  // Below 2^-14 steps are 2^-24.
  if (size < 6.103515625e-5f) {
    return sign | static_cast<uint16_t>(std::nearbyint(size * 16777216.0f));
  }
  return sign | static_cast<uint16_t>(
                    RoundOff((bits & 0x7fffffff) - (112u << 23), 13));
}

}  // namespace

std::string Encode(const std::vector<float>& numbers, DType dtype) {
  std::string bytes(numbers.size() * BytesPerBlock(dtype), '\0');
  if (dtype == DType::kF32) {
    const auto* begin = reinterpret_cast<const char*>(numbers.data());
    std::copy_n(begin, bytes.size(), bytes.begin());
    return bytes;
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    const uint16_t bits =
        dtype == DType::kF16
            ? ToF16(numbers[i])
            : static_cast<uint16_t>(RoundOff(BitsOf(numbers[i]), 16));
    std::memcpy(&bytes[2 * i], &bits, sizeof(bits));
  }
  return bytes;
}

}  // namespace oxbow
