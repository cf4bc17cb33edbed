#include "engine/weights/rearrange.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"

namespace oxbow {
namespace {

// Tiles keep the reads and the writes in the cache.
constexpr int64_t kTile = 32;

template <size_t kBytes>
void TransposeTiles(int64_t rows, int64_t columns, const char* from, char* to) {
  for (int64_t top = 0; top < rows; top += kTile) {
    for (int64_t left = 0; left < columns; left += kTile) {
      const int64_t bottom = std::min(rows, top + kTile);
      const int64_t right = std::min(columns, left + kTile);
      for (int64_t row = top; row < bottom; ++row) {
        for (int64_t column = left; column < right; ++column) {
          std::memcpy(to + (column * rows + row) * kBytes,
                      from + (row * columns + column) * kBytes, kBytes);
        }
      }
    }
  }
}

// fp16 times 2, by its bits: a denormal number shifts into the exponent.
uint16_t Twice(uint16_t bits) {
  const uint16_t sign = bits & 0x8000u, magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u) return bits;
  if (magnitude < 0x0400u) return sign | (magnitude << 1);
  if (magnitude >= 0x7800u) return sign | 0x7c00u;
  return bits + 0x0400u;
}

template <class Number, class Scale>
void ScaleEach(absl::Span<char> bytes, Scale scale) {
  for (size_t at = 0; at < bytes.size(); at += sizeof(Number)) {
    Number number;
    std::memcpy(&number, bytes.data() + at, sizeof(number));
    number = scale(number);
    std::memcpy(bytes.data() + at, &number, sizeof(number));
  }
}

uint16_t ScaleHalf(uint16_t bits, int log2) {
  for (int i = 0; i < std::min(log2, 40); ++i) bits = Twice(bits);
  return bits;
}

uint16_t ScaleBrain(uint16_t bits, int log2) {
  const uint32_t wide = uint32_t{bits} << 16;
  float number;
  std::memcpy(&number, &wide, sizeof(number));
  number = std::ldexp(number, log2);
  uint32_t scaled;
  std::memcpy(&scaled, &number, sizeof(scaled));
  return static_cast<uint16_t>(scaled >> 16);
}

// Which halves of a block (kernels/blocks.h) every number is a multiple of, or
// a sum of such.
struct Scales {
  size_t offset;
  int count;
};

Scales ScalesOf(DType dtype) {
  switch (dtype) {
    case DType::kQ4_1:
    case DType::kQ5_1:
    case DType::kQ4_K:
    case DType::kQ5_K:
      return {0, 2};
    case DType::kQ6_K:
      return {208, 1};
    default:
      return {0, 1};
  }
}

void ScaleBlocks(DType dtype, int log2, absl::Span<char> bytes) {
  const Scales scales = ScalesOf(dtype);
  const size_t block_bytes = BytesPerBlock(dtype);
  for (size_t at = 0; at < bytes.size(); at += block_bytes) {
    ScaleEach<uint16_t>(
        bytes.subspan(at + scales.offset, scales.count * sizeof(uint16_t)),
        [=](uint16_t x) { return ScaleHalf(x, log2); });
  }
}

}  // namespace

void TransposeNumbers(absl::Span<const int64_t> shape, DType dtype,
                      absl::Span<const char> from, absl::Span<char> to) {
  OXBOW_CHECK(shape.size() >= 2 && from.size() == to.size());
  OXBOW_CHECK(NumbersPerBlock(dtype) == 1) << NameOf(dtype);
  const size_t number_bytes = BytesPerBlock(dtype);
  const int64_t rows = shape[shape.size() - 2], columns = shape.back();
  const size_t matrix_bytes = rows * columns * number_bytes;
  for (size_t at = 0; at < from.size(); at += matrix_bytes) {
    if (number_bytes == 2) {
      TransposeTiles<2>(rows, columns, from.data() + at, to.data() + at);
    } else {
      TransposeTiles<4>(rows, columns, from.data() + at, to.data() + at);
    }
  }
}

void ScaleNumbers(DType dtype, int log2, absl::Span<char> bytes) {
  switch (dtype) {
    case DType::kF32:
      return ScaleEach<float>(bytes,
                              [=](float x) { return std::ldexp(x, log2); });
    case DType::kF16:
      return ScaleEach<uint16_t>(
          bytes, [=](uint16_t x) { return ScaleHalf(x, log2); });
    case DType::kBF16:
      return ScaleEach<uint16_t>(
          bytes, [=](uint16_t x) { return ScaleBrain(x, log2); });
    default:
      return ScaleBlocks(dtype, log2, bytes);
  }
}

}  // namespace oxbow
