#include "kernels/cpu/half_product.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "kernels/cpu/product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/half_product.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "kernels/cpu/finish-inl.h"
#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

#if HWY_TARGET != HWY_AVX3

void MultiplyHalfPanelNow(const Product&, const HalfRows&, int, int, int) {
  OXBOW_CHECK(false) << "HasHalfProduct() said so";
}

#else

constexpr int kVectors = 4;
constexpr size_t kPairBytes = kPanelOutputs * 4;
constexpr size_t kPrefetchBytes = 4096;

using PairTag = hn::RebindToUnsigned<FloatTag>;
using PairVector = hn::Vec<PairTag>;

// acc += the products of the lanes' pairs. Highway 1.0.3 lacks it, and g++ 12
// copies registers around the intrinsic.
HWY_INLINE FloatVector AddPairs(PairVector a, PairVector b, FloatVector acc) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(acc.raw) : "v"(a.raw), "v"(b.raw));
  return acc;
}

// sums[n] = dot for kRows rows and the outputs of a panel.
template <int kRows>
HWY_NOINLINE void MultiplyRows(const uint8_t* w, const uint16_t* x,
                               int64_t pitch, int pairs, Ahead ahead,
                               float* sums) {
  const PairTag d;
  FloatVector acc[kRows][kVectors];
  OXBOW_UNROLL
  for (int n = 0; n < kRows; ++n) {
    OXBOW_UNROLL
    for (int v = 0; v < kVectors; ++v) acc[n][v] = hn::Zero(FloatTag());
  }
  for (int pair = 0; pair < pairs; ++pair) {
    PairVector weights[kVectors];
    OXBOW_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      if (kRows <= kPrefetchRows) {
        hwy::Prefetch(w + kPrefetchBytes + v * 64);
      }
      weights[v] = hn::LoadU(
          d, reinterpret_cast<const uint32_t*>(w) + v * kLanesOfVector);
    }
    if (kRows >= kAheadRows) ahead.Ask();
    OXBOW_UNROLL
    for (int n = 0; n < kRows; ++n) {
      uint32_t both;
      std::memcpy(&both, x + n * pitch, sizeof(both));
      const PairVector input = hn::Set(d, both);
      OXBOW_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        acc[n][v] = AddPairs(weights[v], input, acc[n][v]);
      }
    }
    w += kPairBytes;
    x += 2;
  }
  OXBOW_UNROLL
  for (int n = 0; n < kRows; ++n) {
    OXBOW_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      hn::StoreU(acc[n][v], FloatTag(),
                 sums + n * kPanelOutputs + v * kLanesOfVector);
    }
  }
}

void MultiplyBlock(int rows, const uint8_t* w, const uint16_t* x, int64_t pitch,
                   int pairs, Ahead ahead, float* sums) {
  switch (rows) {
    case 1:
      return MultiplyRows<1>(w, x, pitch, pairs, ahead, sums);
    case 2:
      return MultiplyRows<2>(w, x, pitch, pairs, ahead, sums);
    case 3:
      return MultiplyRows<3>(w, x, pitch, pairs, ahead, sums);
    case 4:
      return MultiplyRows<4>(w, x, pitch, pairs, ahead, sums);
    case 5:
      return MultiplyRows<5>(w, x, pitch, pairs, ahead, sums);
    default:
      return MultiplyRows<6>(w, x, pitch, pairs, ahead, sums);
  }
}

void MultiplyHalfPanelNow(const Product& product, const HalfRows& x, int panel,
                          int row_begin, int row_end) {
  HWY_ALIGN float sums[kBlockRows * kPanelOutputs];
  const int inputs = product.w.inputs;
  const PanelSize size = {PanelBytes(DType::kBF16, inputs), kPairBytes};
  const uint8_t* w =
      static_cast<const uint8_t*>(product.w.data) + panel * size.bytes;
  ForBlocks(row_end - row_begin, w, size, [&](int begin, int end, Ahead ahead) {
    MultiplyBlock(end - begin, w, x.row(row_begin + begin), x.pitch,
                  (inputs + 1) / 2, ahead, sums);
    Finish(product, panel, row_begin + begin, end - begin, sums);
  });
}

#endif  // HWY_TARGET != HWY_AVX3

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oxbow {
namespace {

HWY_EXPORT(MultiplyHalfPanelNow);

}  // namespace

bool HasHalfProduct() { return __builtin_cpu_supports("avx512bf16"); }

void MultiplyHalfPanel(const Product& product, const HalfRows& x, int panel,
                       int row_begin, int row_end) {
  OXBOW_CHECK(product.w.dtype == DType::kBF16) << NameOf(product.w.dtype);
  HWY_DYNAMIC_DISPATCH(MultiplyHalfPanelNow)
  (product, x, panel, row_begin, row_end);
}

}  // namespace oxbow
#endif  // HWY_ONCE
