#include "kernels/cpu/quantize_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "kernels/blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/quantize_blocks.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/highway.h"
#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

// The numbers of a block, or their codes.
struct Block {
  Lanes a, b;
};

HWY_INLINE Block LoadBlock(const float* from) {
  return {Load(from), Load(from + 16)};
}

HWY_INLINE float Dot(const Block& x, const Block& y) {
  return TreeSum(MulAdd(x.b, y.b, Mul(x.a, y.a)));
}

HWY_INLINE float LargestSize(const Block& x) {
  HWY_ALIGN float sizes[16];
  Store(Max(Max(x.a, Negate(x.a)), Max(x.b, Negate(x.b))), sizes);
  return *std::max_element(sizes, sizes + 16);
}

HWY_INLINE Lanes Code(const Lanes& x, float inverse, float low, float high) {
  return Min(Max(Round(Mul(x, Set(inverse))), Set(low)), Set(high));
}

// round(x * inverse) within low .. high.
HWY_INLINE Block CodesOf(const Block& x, float inverse, float low, float high) {
  return {Code(x.a, inverse, low, high), Code(x.b, inverse, low, high)};
}

// The fp16 bits of a scale, and the inverse of what they are.
HWY_INLINE uint16_t RoundScale(float scale, float* inverse) {
  const uint16_t bits = NarrowToHalf(scale);
  const float rounded = WidenHalf(bits);
  *inverse = rounded == 0.0f ? 0.0f : 1.0f / rounded;
  return bits;
}

HWY_INLINE void StoreCodes(const Block& codes, uint16_t scale, uint8_t* to,
                           float* numbers) {
  std::memcpy(to, &scale, sizeof(scale));
  Store(codes.a, numbers);
  Store(codes.b, numbers + 16);
}

void QuantizeQ8(const Block& x, uint8_t* to) {
  HWY_ALIGN float codes[32];
  float inverse;
  const uint16_t scale = RoundScale(LargestSize(x) / 127.0f, &inverse);
  StoreCodes(CodesOf(x, inverse, -127.0f, 127.0f), scale, to, codes);
  for (int i = 0; i < 32; ++i) {
    to[2 + i] = static_cast<uint8_t>(static_cast<int8_t>(codes[i]));
  }
}

constexpr int kScalesTried = 16;

// The scale of -8 .. 7 with the least squared error. With the codes q given,
// scale = (x q) / (q q) has the least, x x - (x q)^2 / (q q).
float BestScale(const Block& x) {
  const float largest = LargestSize(x);
  if (largest == 0.0f) return 0.0f;
  float best_scale = 0.0f, best_gain = -1.0f;
  for (int i = 0; i < kScalesTried; ++i) {
    const float steps = 6.0f + i * 0.25f;
    for (const float inverse : {steps / largest, -steps / largest}) {
      const Block q = CodesOf(x, inverse, -8.0f, 7.0f);
      const float xq = Dot(x, q), qq = Dot(q, q);
      if (qq > 0.0f && xq * xq > best_gain * qq) {
        best_gain = xq * xq / qq;
        best_scale = xq / qq;
      }
    }
  }
  return best_scale;
}

void QuantizeQ4(const Block& x, uint8_t* to) {
  HWY_ALIGN float codes[32];
  float inverse;
  const uint16_t scale = RoundScale(BestScale(x), &inverse);
  StoreCodes(CodesOf(x, inverse, -8.0f, 7.0f), scale, to, codes);
  for (int i = 0; i < 16; ++i) {
    const int low = static_cast<int>(codes[i]) + 8;
    const int high = static_cast<int>(codes[i + 16]) + 8;
    to[2 + i] = static_cast<uint8_t>(low | high << 4);
  }
}

void QuantizeBlocksNow(void* to, const float* from, DType dtype,
                       int64_t count) {
  auto* bytes = static_cast<uint8_t*>(to);
  for (int64_t i = 0; i < count; i += 32) {
    const Block x = LoadBlock(from + i);
    dtype == DType::kQ8_0 ? QuantizeQ8(x, bytes) : QuantizeQ4(x, bytes);
    bytes += BytesPerBlock(dtype);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oxbow {
namespace {

HWY_EXPORT(QuantizeBlocksNow);

}  // namespace

void QuantizeBlocks(void* to, const float* from, DType dtype, int64_t count) {
  OXBOW_CHECK(dtype == DType::kQ8_0 || dtype == DType::kQ4_0) << NameOf(dtype);
  OXBOW_CHECK(count % NumbersPerBlock(dtype) == 0) << count;
  HWY_DYNAMIC_DISPATCH(QuantizeBlocksNow)(to, from, dtype, count);
}

}  // namespace oxbow
#endif  // HWY_ONCE
