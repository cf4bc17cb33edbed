#include <cstring>

#include "kernels/blocks.h"
#include "kernels/cuda/block_product.h"
#include "kernels/cuda/finish.h"
#include "kernels/cuda/math.h"

namespace oxbow {
namespace {

constexpr int kShortGroup = 32;
constexpr int kThreads = 64;
constexpr int kOwnRows = 4;

// Exponents as fp32 stores them; see kernels/cpu/short_rows.cc.
constexpr uint32_t kExponentOfNaN = 255;
constexpr uint32_t kLeastExponent = 15;
constexpr uint32_t kUnitBelow = 14;

__device__ inline uint32_t BitsOf(float x) {
#ifdef OXBOW_LAUNCH_MODEL
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits;
#else
  return __float_as_uint(x);
#endif
}

__global__ void ShortenRow(Rows x, GpuShortRows to) {
  const int groups = x.width / kShortGroup;
  for (int g = threadIdx.x; g < groups; g += blockDim.x) {
    const float* from = RowOf(x, blockIdx.x) + g * kShortGroup;
    uint32_t largest = 0;
    for (int i = 0; i < kShortGroup; ++i) {
      const uint32_t bits = BitsOf(from[i]) & 0x7f800000u;
      largest = bits > largest ? bits : largest;
    }
    largest >>= 23;
    const bool is_finite = largest < kExponentOfNaN;
    const uint32_t exponent =
        largest < kLeastExponent || !is_finite ? kLeastExponent : largest;
    const float inverse = FloatOfBits((254 + kUnitBelow - exponent) << 23);
    int16_t* shorts = to.data + int64_t{1} * blockIdx.x * x.width;
    int32_t sum = 0;
    for (int i = 0; i < kShortGroup; ++i) {
      int rounded = is_finite ? static_cast<int>(rintf(from[i] * inverse)) : 0;
      if (rounded > 0x7fff) rounded = 0x7fff;
      shorts[g * kShortGroup + i] = static_cast<int16_t>(rounded);
      sum += rounded;
    }
    const int64_t group = int64_t{1} * blockIdx.x * groups + g;
    to.sums[group] = sum;
    to.units[group] =
        FloatOfBits(is_finite ? (exponent - kUnitBelow) << 23 : 0x7fc00000u);
  }
}

// One output for a few rows. Groups of inputs are summed as integers, then
// added up in ascending order.
template <int kGroup, bool kHasMin>
__global__ void __launch_bounds__(kThreads)
    MultiplyOutput(Product product, GpuShortRows x) {
  const int output = blockIdx.x * kThreads + threadIdx.x;
  const int outputs = product.w.outputs, inputs = product.w.inputs;
  if (output >= outputs) return;
  const int groups = inputs / kGroup, short_groups = inputs / kShortGroup;
  const auto* codes = static_cast<const int8_t*>(product.w.data);
  const auto* scales =
      reinterpret_cast<const float*>(codes + int64_t{1} * outputs * inputs);
  const float* mins = scales + int64_t{1} * outputs * groups;
  const int first_row = blockIdx.y * kOwnRows;
  const int left = product.x.count - first_row;
  const int rows = left < kOwnRows ? left : kOwnRows;
  float acc[kOwnRows] = {};
  for (int g = 0; g < groups; ++g) {
    const int8_t* q = codes + int64_t{1} * output * inputs + g * kGroup;
    const int64_t at = int64_t{1} * output * groups + g;
    for (int n = 0; n < rows; ++n) {
      const int64_t row = first_row + n;
      const int16_t* in = x.data + row * inputs + g * kGroup;
      int32_t sum = 0;
      for (int i = 0; i < kGroup; ++i) sum += q[i] * in[i];
      const int64_t short_group = row * short_groups + g * kGroup / kShortGroup;
      const float unit = x.units[short_group];
      acc[n] = fmaf(scales[at] * unit, static_cast<float>(sum), acc[n]);
      if (kHasMin) {
        acc[n] = fmaf(-(mins[at] * unit),
                      static_cast<float>(x.sums[short_group]), acc[n]);
      }
    }
  }
  for (int n = 0; n < rows; ++n) {
    Finish(product, first_row + n, output, acc[n]);
  }
}

}  // namespace

std::vector<char> PackBlocks(const HostMatrix& from) {
  const bool has_min = HasMin(from.dtype);
  const int group = NumbersPerGroup(from.dtype);
  const int numbers = NumbersPerBlock(from.dtype);
  const int64_t count = int64_t{1} * from.rows * from.columns;
  const int64_t scale_bytes = count / group * sizeof(float);
  std::vector<char> packed(count + scale_bytes * (has_min ? 2 : 1));
  char* scales = packed.data() + count;
  const char* block = static_cast<const char*>(from.data);
  BlockParts parts;
  for (int64_t first = 0; first < count; first += numbers) {
    ReadBlock(block, from.dtype, &parts);
    block += BytesPerBlock(from.dtype);
    std::memcpy(packed.data() + first, parts.q, numbers);
    for (int g = 0; g < numbers / group; ++g) {
      const float scale = WidenHalf(parts.d) * parts.scale[g];
      const float min = WidenHalf(parts.dmin) * parts.min[g];
      const int64_t at = (first / group + g) * sizeof(float);
      std::memcpy(scales + at, &scale, sizeof(scale));
      if (has_min) std::memcpy(scales + scale_bytes + at, &min, sizeof(min));
    }
  }
  return packed;
}

int64_t ShortRowsBytes(int count, int width) {
  const int64_t numbers = int64_t{1} * count * width;
  return numbers * sizeof(int16_t) +
         numbers / kShortGroup * (sizeof(float) + sizeof(int32_t));
}

GpuShortRows ShortRowsAt(void* room, int count, int width) {
  const int64_t numbers = int64_t{1} * count * width;
  GpuShortRows rows;
  rows.units = static_cast<float*>(room);
  rows.sums = reinterpret_cast<int32_t*>(rows.units + numbers / kShortGroup);
  rows.data = reinterpret_cast<int16_t*>(rows.sums + numbers / kShortGroup);
  return rows;
}

void ShortenOnGpu(Rows x, const GpuShortRows& to, cudaStream_t stream) {
  OXBOW_CHECK(x.width % kShortGroup == 0) << x.width;
  Launch(ShortenRow, x.count, kThreads, stream, x, to);
}

void MultiplyBlocksOnGpu(const Product& product, const GpuShortRows& x,
                         cudaStream_t stream) {
  const dim3 grid((product.w.outputs + kThreads - 1) / kThreads,
                  (product.x.count + kOwnRows - 1) / kOwnRows);
  const bool has_min = HasMin(product.w.dtype);
  if (NumbersPerGroup(product.w.dtype) == 16) {
    Launch(MultiplyOutput<16, false>, grid, kThreads, stream, product, x);
  } else if (has_min) {
    Launch(MultiplyOutput<32, true>, grid, kThreads, stream, product, x);
  } else {
    Launch(MultiplyOutput<32, false>, grid, kThreads, stream, product, x);
  }
}

}  // namespace oxbow
