#include "kernels/cpu/block_product.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "kernels/cpu/block_panel.h"

#ifndef OXBOW_KERNELS_CPU_BLOCK_PRODUCT_CC_
#define OXBOW_KERNELS_CPU_BLOCK_PRODUCT_CC_
namespace oxbow {
// Once for all targets.
static bool use_vnni = __builtin_cpu_supports("avx512vnni");
}  // namespace oxbow
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/block_product.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "kernels/cpu/block_codes-inl.h"
#include "kernels/cpu/finish-inl.h"
#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

void MultiplyBlockPanelNow(const Product&, const ShortRows&, int, int, int) {
  OXBOW_CHECK(false) << "CpuOps refuses machines without AVX2";
}

#else

using SumTag = hn::RebindToSigned<FloatTag>;
using SumVector = hn::Vec<SumTag>;

// How far ahead of the codes memory is asked for: measured.
constexpr size_t kPrefetchBytes = 8192;

// How products of pairs are added to sums: one number two ways.
struct MultiplyThenAdd {
  // Sums a block of rows may have in registers: a product needs one too.
  static constexpr int kSumsMax = kLanesOfVector == 16 ? 16 : 8;
  static HWY_INLINE SumVector Add(PairVector a, PairVector b, SumVector sum) {
    SumVector unused = hn::Zero(SumTag());
    return hn::ReorderWidenMulAccumulate(SumTag(), a, b, sum, unused);
  }
};

#if HWY_TARGET == HWY_AVX3
// AVX-512 VNNI. Highway 1.0.3 lacks it, and g++ 12 copies registers around the
// intrinsic.
struct MultiplyAndAdd {
  static constexpr int kSumsMax = 24;
  static HWY_INLINE SumVector Add(PairVector a, PairVector b, SumVector sum) {
    asm("vpdpwssd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
    return sum;
  }
};
#endif

// Registers of outputs side by side.
template <class Dot>
constexpr int VectorsFor(int rows) {
  return rows * 4 <= Dot::kSumsMax || rows == 1 ? 4 : 2;
}

// Two neighbouring activations, in every lane.
HWY_INLINE PairVector LoadPair(const int16_t* x) {
  int32_t pair;
  std::memcpy(&pair, x, sizeof(pair));
  return hn::BitCast(PairTag(), hn::Set(SumTag(), pair));
}

// sum[n][v] += the products of a pair of inputs.
template <class Dot, class Codes, int kRows, int kVectors>
HWY_INLINE void AddPair(const uint8_t* row, int pair, const int16_t* x,
                        int64_t pitch, SumVector (&sum)[kRows][kVectors]) {
  PairVector codes[kVectors];
  OXBOW_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    codes[v] = Codes::Get(row + 2 * v * kLanesOfVector, pair);
  }
  OXBOW_UNROLL
  for (int n = 0; n < kRows; ++n) {
    const PairVector input = LoadPair(x + n * pitch);
    OXBOW_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      sum[n][v] = Dot::Add(codes[v], input, sum[n][v]);
    }
  }
}

// The rows of one block, at one group of inputs.
struct Inputs {
  const int16_t* x;  // the group's first
  int64_t pitch;
  const float* units;   // of row n at n * groups
  const int32_t* sums;  // likewise
  int groups;
};

// acc = fma(scale * unit, sum, acc), and likewise the minimum.
template <DType kDType, int kRows, int kVectors>
HWY_INLINE void AddGroup(const Group& at, int output, const Inputs& inputs,
                         const SumVector (&sum)[kRows][kVectors], float* acc) {
  const FloatTag d;
  OXBOW_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    const int o = output + v * static_cast<int>(kLanesOfVector);
    const FloatVector scale = LoadScale<kDType>(at, o);
    FloatVector min = hn::Zero(d);
    if constexpr (LayoutOf(kDType).has_min) min = LoadMin<kDType>(at, o);
    OXBOW_UNROLL
    for (int n = 0; n < kRows; ++n) {
      const FloatVector unit = hn::Set(d, inputs.units[n * inputs.groups]);
      float* to = acc + n * kPanelOutputs + o;
      FloatVector z = hn::MulAdd(hn::Mul(scale, unit),
                                 hn::ConvertTo(d, sum[n][v]), hn::LoadU(d, to));
      if constexpr (LayoutOf(kDType).has_min) {
        const float all = static_cast<float>(inputs.sums[n * inputs.groups]);
        z = hn::NegMulAdd(hn::Mul(min, unit), hn::Set(d, all), z);
      }
      hn::StoreU(z, d, to);
    }
  }
}

// acc[n][output..] += one group of inputs, for kVectors registers of outputs.
template <DType kDType, class Dot, class Codes, int kRows, int kVectors>
HWY_INLINE void MultiplySlice(const Group& at, const uint8_t* codes, int output,
                              const Inputs& inputs, float* acc) {
  constexpr BlockLayout kLayout = LayoutOf(kDType);
  SumVector sum[kRows][kVectors];
  OXBOW_UNROLL
  for (int n = 0; n < kRows; ++n) {
    // Codes that are not signed are too large by the offset, each.
    int32_t first = 0;
    if constexpr (Codes::kPairs == 2) {
      first = -kLayout.offset * inputs.sums[n * inputs.groups];
    }
    OXBOW_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[n][v] = hn::Set(SumTag(), first);
  }
  const uint8_t* row = codes + 2 * output;
  const int16_t* x = inputs.x;
  for (int pair = 0; pair < kLayout.Pairs(); pair += Codes::kPairs) {
    if constexpr (kRows <= kPrefetchRows) {
      OXBOW_UNROLL
      for (size_t b = 0; b < 2 * kVectors * kLanesOfVector; b += 64) {
        hwy::Prefetch(row + kPrefetchBytes + b);
      }
    }
    AddPair<Dot, Codes, kRows, kVectors>(row, 0, x, inputs.pitch, sum);
    if constexpr (Codes::kPairs == 2) {
      AddPair<Dot, Codes, kRows, kVectors>(row, 1, x + 2, inputs.pitch, sum);
    }
    row += kRowCodes;
    x += 2 * Codes::kPairs;
  }
  AddGroup<kDType, kRows, kVectors>(at, output, inputs, sum, acc);
}

template <DType kDType, class Dot, class Codes, int kRows>
HWY_INLINE void MultiplyGroup(const Group& at, const uint8_t* codes,
                              const Inputs& inputs, float* acc) {
  constexpr int kVectors = VectorsFor<Dot>(kRows);
  constexpr int kOutputs = kVectors * kLanesOfVector;
  for (int o = 0; o < kPanelOutputs; o += kOutputs) {
    MultiplySlice<kDType, Dot, Codes, kRows, kVectors>(at, codes, o, inputs,
                                                       acc);
  }
}

// Once a group. Not inline: the loops need every register.
static HWY_NOINLINE void AskForGroup(Ahead* ahead) { ahead->Ask(); }

// acc[n] += dot for kRows rows and the outputs of a panel.
template <DType kDType, class Dot, int kRows>
HWY_NOINLINE void MultiplyRows(const uint8_t* panel, const ShortRows& x,
                               int row, int groups, Ahead* ahead, float* acc) {
  constexpr BlockLayout kLayout = LayoutOf(kDType);
  HWY_ALIGN uint8_t room[kLayout.Pairs() * kRowCodes];
  for (int g = 0; g < groups; ++g) {
    const Group at = GroupAt<kDType>(panel, g);
    const uint8_t* codes = at.group + kLayout.ScaleBytes();
    if constexpr (kRows >= kAheadRows) AskForGroup(ahead);
    const int first = g * kLayout.group;
    const int64_t unit = int64_t{1} * row * x.groups + first / kShortGroup;
    const Inputs inputs{x.row(row) + first, x.pitch, x.units + unit,
                        x.sums + unit, x.groups};
    if constexpr (kLayout.bits == 8) {
      MultiplyGroup<kDType, Dot, ByteCodes, kRows>(at, codes, inputs, acc);
    } else if constexpr (kLayout.bits == 4) {
      MultiplyGroup<kDType, Dot, NibbleCodes, kRows>(at, codes, inputs, acc);
    } else {
      UnpackCodes<kDType>(codes, room);
      MultiplyGroup<kDType, Dot, ByteCodes, kRows>(at, room, inputs, acc);
    }
  }
}

template <DType kDType, class Dot>
void MultiplyBlock(int rows, const uint8_t* panel, const ShortRows& x, int row,
                   int groups, Ahead* ahead, float* acc) {
  switch (rows) {
    case 1:
      return MultiplyRows<kDType, Dot, 1>(panel, x, row, groups, ahead, acc);
    case 2:
      return MultiplyRows<kDType, Dot, 2>(panel, x, row, groups, ahead, acc);
    case 3:
      return MultiplyRows<kDType, Dot, 3>(panel, x, row, groups, ahead, acc);
    case 4:
      return MultiplyRows<kDType, Dot, 4>(panel, x, row, groups, ahead, acc);
    case 5:
      return MultiplyRows<kDType, Dot, 5>(panel, x, row, groups, ahead, acc);
    default:
      return MultiplyRows<kDType, Dot, 6>(panel, x, row, groups, ahead, acc);
  }
}

template <DType kDType, class Dot>
void MultiplyBy(const Product& product, const ShortRows& x, int panel,
                int row_begin, int row_end) {
  HWY_ALIGN float acc[kBlockRows * kPanelOutputs];
  const int inputs = product.w.inputs;
  const int groups = inputs / LayoutOf(kDType).group;
  const size_t bytes = BlockPanelBytes(kDType, inputs);
  const PanelSize size = {bytes, bytes / groups};
  const uint8_t* packed =
      static_cast<const uint8_t*>(product.w.data) + panel * bytes;
  ForBlocks(
      row_end - row_begin, packed, size, [&](int begin, int end, Ahead ahead) {
        std::fill_n(acc, (end - begin) * kPanelOutputs, 0.0f);
        MultiplyBlock<kDType, Dot>(end - begin, packed, x, row_begin + begin,
                                   groups, &ahead, acc);
        Finish(product, panel, row_begin + begin, end - begin, acc);
      });
}

template <DType kDType>
void MultiplyOf(const Product& product, const ShortRows& x, int panel,
                int row_begin, int row_end) {
#if HWY_TARGET == HWY_AVX3
  if (use_vnni) {
    return MultiplyBy<kDType, MultiplyAndAdd>(product, x, panel, row_begin,
                                              row_end);
  }
#endif
  MultiplyBy<kDType, MultiplyThenAdd>(product, x, panel, row_begin, row_end);
}

void MultiplyBlockPanelNow(const Product& product, const ShortRows& x,
                           int panel, int row_begin, int row_end) {
  switch (product.w.dtype) {
#define OXBOW_CASE(kDType) \
  case kDType:             \
    return MultiplyOf<kDType>(product, x, panel, row_begin, row_end);
    OXBOW_CASE(DType::kQ8_0)
    OXBOW_CASE(DType::kQ4_0)
    OXBOW_CASE(DType::kQ4_1)
    OXBOW_CASE(DType::kQ5_0)
    OXBOW_CASE(DType::kQ5_1)
    OXBOW_CASE(DType::kQ4_K)
    OXBOW_CASE(DType::kQ5_K)
    OXBOW_CASE(DType::kQ6_K)
#undef OXBOW_CASE
    default:
      OXBOW_CHECK(false) << "weights not in blocks: see product.h";
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oxbow {
namespace {

HWY_EXPORT(MultiplyBlockPanelNow);

}  // namespace

void AllowVnniForTest(bool allowed) {
  use_vnni = allowed && __builtin_cpu_supports("avx512vnni");
}

void MultiplyBlockPanel(const Product& product, const ShortRows& x, int panel,
                        int row_begin, int row_end) {
  HWY_DYNAMIC_DISPATCH(MultiplyBlockPanelNow)
  (product, x, panel, row_begin, row_end);
}

}  // namespace oxbow
#endif  // HWY_ONCE
