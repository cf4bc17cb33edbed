#include "tests/testing/block_quantizer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "tests/testing/tiny_tensor.h"

namespace oxbow {
namespace {

// A scale as a file holds it.
struct Scale {
  std::string bytes;
  float value = 0;
};

// What fp16 bits stand for; not of infinities.
float FromF16(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const float fraction = static_cast<float>(bits & 0x3ff);
  const float size = exponent == 0
                         ? std::ldexp(fraction, -24)
                         : std::ldexp(fraction + 1024.0f, exponent - 25);
  return bits & 0x8000 ? -size : size;
}

Scale HalfScale(float number) {
  Scale scale;
  scale.bytes = Encode({number}, DType::kF16);
  uint16_t bits;
  std::memcpy(&bits, scale.bytes.data(), sizeof(bits));
  scale.value = FromF16(bits);
  return scale;
}

// In fp32, but a number that fp16 has too: so that old blocks and new ones of
// the same numbers hold the same.
Scale FloatScale(float number) {
  const float value = HalfScale(number).value;
  return {Encode({value}, DType::kF32), value};
}

// The nearest whole number of steps, kept within its bits.
int Steps(float number, float step, int low, int high) {
  if (step == 0) return std::max(low, 0);
  return std::min(high,
                  std::max(low, static_cast<int>(std::lround(number / step))));
}

float Largest(const float* numbers, int count) {
  float largest = 0;
  for (int i = 0; i < count; ++i) {
    largest = std::max(largest, std::fabs(numbers[i]));
  }
  return largest;
}

std::pair<float, float> Range(const float* numbers, int count) {
  const auto ends = std::minmax_element(numbers, numbers + count);
  return {*ends.first, *ends.second};
}

// How 32 numbers are written: scales, and where in the bytes each one goes.
struct Layout32 {
  bool half_scales = true;
  bool neighbours = false;  // 2i and 2i+1 in a byte; else i and i+16
};

Scale MakeScale(const Layout32& layout, float number) {
  return layout.half_scales ? HalfScale(number) : FloatScale(number);
}

std::string Q8(const float* x, const Layout32& layout) {
  const Scale d = MakeScale(layout, Largest(x, 32) / 127);
  std::string block = d.bytes;
  for (int i = 0; i < 32; ++i) {
    block.push_back(static_cast<char>(Steps(x[i], d.value, -127, 127)));
  }
  return block;
}

// 32 numbers of up to five bits: the fifth bits first, if there are any.
std::string PackNibbles(const int* q, bool fifth, const Layout32& layout) {
  uint32_t high = 0;
  std::string nibbles(16, '\0');
  for (int i = 0; i < 32; ++i) {
    const int at = layout.neighbours ? i / 2 : i % 16;
    const int shift = (layout.neighbours ? i % 2 : i / 16) * 4;
    nibbles[at] |= static_cast<char>((q[i] & 15) << shift);
    high |= static_cast<uint32_t>(q[i] >> 4) << i;
  }
  std::string block;
  if (fifth) {
    block.assign(reinterpret_cast<const char*>(&high), sizeof(high));
  }
  return block + nibbles;
}

// Q4_0 and Q5_0: numbers around zero.
std::string Centered(const float* x, int bits, const Layout32& layout) {
  const int zero = 1 << (bits - 1);
  const Scale d = MakeScale(layout, Largest(x, 32) / (zero - 1));
  int q[32];
  for (int i = 0; i < 32; ++i) {
    q[i] = Steps(x[i], d.value, -zero, zero - 1) + zero;
  }
  return d.bytes + PackNibbles(q, bits == 5, layout);
}

// Q4_1 and Q5_1: numbers from a minimum up.
std::string FromMinimum(const float* x, int bits, const Layout32& layout) {
  const int top = (1 << bits) - 1;
  const auto [low, high] = Range(x, 32);
  const Scale d = MakeScale(layout, (high - low) / top);
  const Scale m = MakeScale(layout, low);
  int q[32];
  for (int i = 0; i < 32; ++i) {
    q[i] = Steps(x[i] - m.value, d.value, 0, top);
  }
  return d.bytes + m.bytes + PackNibbles(q, bits == 5, layout);
}

// Eight scales and eight minima of six bits each, in twelve bytes.
std::string PackSixBits(const int* scales, const int* minima) {
  std::string bytes(12, '\0');
  for (int i = 0; i < 4; ++i) {
    bytes[i] = static_cast<char>(scales[i] | (scales[i + 4] >> 4) << 6);
    bytes[i + 4] = static_cast<char>(minima[i] | (minima[i + 4] >> 4) << 6);
    bytes[i + 8] =
        static_cast<char>((scales[i + 4] & 15) | (minima[i + 4] & 15) << 4);
  }
  return bytes;
}

// Q4_K and Q5_K: 256 numbers in eight groups, each with a scale and a minimum
// that is taken off.
std::string SuperBlock(const float* x, int bits) {
  const int top = (1 << bits) - 1;
  float steps[8], minima[8];
  for (int g = 0; g < 8; ++g) {
    const auto [low, high] = Range(x + 32 * g, 32);
    minima[g] = std::max(0.0f, -low);
    steps[g] = std::max(0.0f, high + minima[g]) / top;
  }
  const Scale d = HalfScale(Largest(steps, 8) / 63);
  const Scale dmin = HalfScale(Largest(minima, 8) / 63);
  int scale_steps[8], minimum_steps[8];
  std::string low(128, '\0'), high(32, '\0');
  for (int g = 0; g < 8; ++g) {
    scale_steps[g] = Steps(steps[g], d.value, 0, 63);
    minimum_steps[g] = Steps(minima[g], dmin.value, 0, 63);
    for (int i = 0; i < 32; ++i) {
      const int q = Steps(x[32 * g + i] + dmin.value * minimum_steps[g],
                          d.value * scale_steps[g], 0, top);
      low[g / 2 * 32 + i] |= static_cast<char>((q & 15) << (g % 2 * 4));
      high[i] |= static_cast<char>((q >> 4) << g);
    }
  }
  return d.bytes + dmin.bytes + PackSixBits(scale_steps, minimum_steps) +
         (bits == 5 ? high : "") + low;
}

// 256 numbers in sixteen groups, each with a scale of eight bits.
std::string SixBitBlock(const float* x) {
  float steps[16];
  for (int g = 0; g < 16; ++g) steps[g] = Largest(x + 16 * g, 16) / 31;
  const Scale d = HalfScale(Largest(steps, 16) / 127);
  std::string low(128, '\0'), high(64, '\0'), scales(16, '\0');
  for (int i = 0; i < 256; ++i) {
    const int group = i / 16;
    const int scale = Steps(steps[group], d.value, 0, 127);
    scales[group] = static_cast<char>(scale);
    const int q = Steps(x[i], d.value * scale, -32, 31) + 32;
    // Each half of 128 numbers is four runs of 32: two share a run of low
    // nibbles, all four one run of high bits.
    const int half = i / 128, run = i % 128 / 32, at = i % 32;
    low[64 * half + 32 * (run % 2) + at] |=
        static_cast<char>((q & 15) << (run / 2 * 4));
    high[32 * half + at] |= static_cast<char>((q >> 4) << (2 * run));
  }
  return low + high + scales + d.bytes;
}

std::string OneBlock(const float* x, DType dtype, const Layout32& layout) {
  switch (dtype) {
    case DType::kQ8_0:
      return Q8(x, layout);
    case DType::kQ4_0:
      return Centered(x, 4, layout);
    case DType::kQ5_0:
      return Centered(x, 5, layout);
    case DType::kQ4_1:
      return FromMinimum(x, 4, layout);
    case DType::kQ5_1:
      return FromMinimum(x, 5, layout);
    case DType::kQ4_K:
      return SuperBlock(x, 4);
    case DType::kQ5_K:
      return SuperBlock(x, 5);
    case DType::kQ6_K:
      return SixBitBlock(x);
    default:
      return "";
  }
}

std::string Blocks(const std::vector<float>& numbers, DType dtype,
                   const Layout32& layout) {
  std::string bytes;
  for (size_t i = 0; i < numbers.size(); i += NumbersPerBlock(dtype)) {
    bytes += OneBlock(&numbers[i], dtype, layout);
  }
  return bytes;
}

}  // namespace

std::string QuantizeBlocks(const std::vector<float>& numbers, DType dtype) {
  return Blocks(numbers, dtype, Layout32{});
}

std::string EncodeAs(const std::vector<float>& numbers, DType dtype) {
  return NumbersPerBlock(dtype) == 1 ? Encode(numbers, dtype)
                                     : QuantizeBlocks(numbers, dtype);
}

std::string QuantizeOldBlocks(const std::vector<float>& numbers, DType dtype) {
  Layout32 layout;
  layout.neighbours = true;
  layout.half_scales = dtype == DType::kQ5_0 || dtype == DType::kQ5_1;
  return Blocks(numbers, dtype, layout);
}

}  // namespace oxbow
