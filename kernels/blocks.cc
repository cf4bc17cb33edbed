#include "kernels/blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"

namespace oxbow {
namespace {

uint16_t Load16(const uint8_t* from) {
  return static_cast<uint16_t>(from[0] | from[1] << 8);
}

// Codes of 32 numbers from 16 bytes: i low, i + 16 high.
void ReadHalves(const uint8_t* from, int8_t* q) {
  for (int i = 0; i < 16; ++i) {
    q[i] = from[i] & 15;
    q[i + 16] = from[i] >> 4;
  }
}

// Bit 4 of 32 codes.
void AddFifthBits(const uint8_t* from, int8_t* q) {
  for (int i = 0; i < 32; ++i) q[i] |= (from[i / 8] >> i % 8 & 1) << 4;
}

void Subtract(int offset, int count, int8_t* q) {
  for (int i = 0; i < count; ++i) q[i] = static_cast<int8_t>(q[i] - offset);
}

// q4_1 and q5_1 add their m; the formula subtracts.
void ReadMinimum(const uint8_t* from, BlockParts* parts) {
  parts->dmin = Load16(from) ^ 0x8000;
  parts->min[0] = 1;
}

// The 12 bytes of q4_K and q5_K: the low 6 bits of bytes 0-3 and 4-7 are the
// scales and minima of groups 0-3; bytes 8-11 hold 4 bits each of those of
// groups 4-7, whose upper 2 bits top the bytes 0-7.
void ReadGroupScales(const uint8_t* from, BlockParts* parts) {
  for (int g = 0; g < 4; ++g) {
    parts->scale[g] = from[g] & 63;
    parts->min[g] = from[g + 4] & 63;
    parts->scale[g + 4] = (from[g + 8] & 15) | (from[g] >> 6) << 4;
    parts->min[g + 4] = (from[g + 8] >> 4) | (from[g + 4] >> 6) << 4;
  }
}

// 128 bytes: 32 of them hold two groups.
void ReadGroupHalves(const uint8_t* from, int8_t* q) {
  for (int i = 0; i < 128; ++i) {
    const int at = i / 32 * 64 + i % 32;
    q[at] = from[i] & 15;
    q[at + 32] = from[i] >> 4;
  }
}

void ReadQ4K(const uint8_t* block, BlockParts* parts) {
  parts->d = Load16(block);
  parts->dmin = Load16(block + 2);
  ReadGroupScales(block + 4, parts);
  ReadGroupHalves(block + 16, parts->q);
}

void ReadQ5K(const uint8_t* block, BlockParts* parts) {
  ReadQ4K(block, parts);
  ReadGroupHalves(block + 48, parts->q);
  for (int i = 0; i < 256; ++i) {
    parts->q[i] |= (block[16 + i % 32] >> i / 32 & 1) << 4;
  }
}

// Each half of 128 numbers: quarters of 32, low halves in 64 bytes, two more
// bits of all four in 32 bytes.
void ReadQ6K(const uint8_t* block, BlockParts* parts) {
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, quarter = i / 32 % 4;
    const int low = block[half * 64 + i % 64] >> quarter / 2 * 4 & 15;
    const int high = block[128 + half * 32 + i % 32] >> quarter * 2 & 3;
    parts->q[i] = static_cast<int8_t>((low | high << 4) - 32);
  }
  std::memcpy(parts->scale, block + 192, 16);
  parts->d = Load16(block + 208);
}

bool IsFiniteHalf(uint16_t bits) { return (bits & 0x7c00) != 0x7c00; }

// True if no number has all its exponent bits set.
template <class Bits>
bool AllFiniteAs(const uint8_t* from, int64_t count, Bits exponent) {
  bool all = true;
  for (int64_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, from + i * sizeof(bits), sizeof(bits));
    all &= (bits & exponent) != exponent;
  }
  return all;
}

}  // namespace

float WidenHalf(uint16_t bits) {
  const uint32_t sign = uint32_t{bits & 0x8000u} << 16;
  const uint32_t exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) / 16777216.0f;
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t top = exponent == 31 ? 255 : exponent + 112;
  const uint32_t wide = sign | top << 23 | fraction << 13;
  float number;
  std::memcpy(&number, &wide, sizeof(number));
  return number;
}

uint16_t NarrowToHalf(float number) {
  const uint16_t sign = std::signbit(number) ? 0x8000 : 0;
  const float size = std::fabs(number);
  if (size > 65504.0f) return sign | 0x7bff;
  // Below 2^-14 steps are 2^-24: the whole number of them are the bits.
  if (size < 6.103515625e-5f) {
    return sign | static_cast<uint16_t>(std::nearbyint(size * 16777216.0f));
  }
  uint32_t bits;
  std::memcpy(&bits, &size, sizeof(bits));
  bits -= 112u << 23;
  bits += 0xfff + (bits >> 13 & 1);
  return sign | static_cast<uint16_t>(bits >> 13);
}

int NumbersPerGroup(DType dtype) { return dtype == DType::kQ6_K ? 16 : 32; }

bool HasMin(DType dtype) {
  return dtype == DType::kQ4_1 || dtype == DType::kQ5_1 ||
         dtype == DType::kQ4_K || dtype == DType::kQ5_K;
}

void ReadBlock(const void* block, DType dtype, BlockParts* parts) {
  const auto* from = static_cast<const uint8_t*>(block);
  int8_t* q = parts->q;
  parts->d = Load16(from);
  parts->dmin = 0;
  std::fill_n(parts->scale, kBlockGroupsMax, 1);
  std::fill_n(parts->min, kBlockGroupsMax, 0);
  switch (dtype) {
    case DType::kQ8_0:
      std::memcpy(q, from + 2, 32);
      return;
    case DType::kQ4_0:
      ReadHalves(from + 2, q);
      return Subtract(8, 32, q);
    case DType::kQ4_1:
      ReadMinimum(from + 2, parts);
      return ReadHalves(from + 4, q);
    case DType::kQ5_0:
      ReadHalves(from + 6, q);
      AddFifthBits(from + 2, q);
      return Subtract(16, 32, q);
    case DType::kQ5_1:
      ReadMinimum(from + 2, parts);
      ReadHalves(from + 8, q);
      return AddFifthBits(from + 4, q);
    case DType::kQ4_K:
      return ReadQ4K(from, parts);
    case DType::kQ5_K:
      return ReadQ5K(from, parts);
    case DType::kQ6_K:
      return ReadQ6K(from, parts);
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
      break;
  }
  OXBOW_CHECK(false) << NameOf(dtype) << " has no blocks";
}

namespace {

void DequantizeBlocks(float* to, const uint8_t* from, DType dtype,
                      int64_t blocks) {
  const int group = NumbersPerGroup(dtype);
  const int groups = NumbersPerBlock(dtype) / group;
  BlockParts parts;
  for (int64_t b = 0; b < blocks; ++b) {
    ReadBlock(from + b * BytesPerBlock(dtype), dtype, &parts);
    const float d = WidenHalf(parts.d), dmin = WidenHalf(parts.dmin);
    for (int g = 0; g < groups; ++g) {
      const float scale = d * parts.scale[g], min = dmin * parts.min[g];
      const int8_t* q = parts.q + g * group;
      // scale * q is exact: a fused multiply-add would give the same.
      for (int i = 0; i < group; ++i) *to++ = scale * q[i] - min;
    }
  }
}

}  // namespace

void Dequantize(float* to, const void* from, DType dtype, int64_t count) {
  OXBOW_CHECK(count % NumbersPerBlock(dtype) == 0) << count;
  const auto* bytes = static_cast<const uint8_t*>(from);
  switch (dtype) {
    case DType::kF32:
      std::memcpy(to, from, count * sizeof(float));
      return;
    case DType::kF16:
      for (int64_t i = 0; i < count; ++i) {
        to[i] = WidenHalf(Load16(bytes + 2 * i));
      }
      return;
    case DType::kBF16:
      for (int64_t i = 0; i < count; ++i) {
        const uint32_t bits = uint32_t{Load16(bytes + 2 * i)} << 16;
        std::memcpy(to + i, &bits, sizeof(bits));
      }
      return;
    default:
      DequantizeBlocks(to, bytes, dtype, count / NumbersPerBlock(dtype));
  }
}

bool AllFinite(const void* from, DType dtype, int64_t count) {
  const auto* bytes = static_cast<const uint8_t*>(from);
  switch (dtype) {
    case DType::kF32:
      return AllFiniteAs<uint32_t>(bytes, count, 0x7f800000u);
    case DType::kF16:
      return AllFiniteAs<uint16_t>(bytes, count, 0x7c00u);
    case DType::kBF16:
      return AllFiniteAs<uint16_t>(bytes, count, 0x7f80u);
    default:
      break;
  }
  const bool has_min = HasMin(dtype);
  const int at = dtype == DType::kQ6_K ? 208 : 0;
  bool all = true;
  for (int64_t b = 0; b < count / NumbersPerBlock(dtype); ++b) {
    const uint8_t* d = bytes + b * BytesPerBlock(dtype) + at;
    all &= IsFiniteHalf(Load16(d)) && (!has_min || IsFiniteHalf(Load16(d + 2)));
  }
  return all;
}

}  // namespace oxbow
