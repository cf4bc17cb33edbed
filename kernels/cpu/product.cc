#include "kernels/cpu/product.h"

#include <algorithm>
#include <cstdint>

#include "base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/product.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "kernels/cpu/finish-inl.h"
#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

// How a panel's bytes become fp32. `which` counts inputs within one step.

struct F32Weights {
  static constexpr int kInputs = 1;
  static constexpr size_t kStepBytes = kPanelOutputs * 4;
  static HWY_INLINE FloatVector Get(const uint8_t* w, size_t lane,
                                    int /*which*/) {
    return hn::LoadU(FloatTag(), reinterpret_cast<const float*>(w) + lane);
  }
};

struct F16Weights {
  static constexpr int kInputs = 1;
  static constexpr size_t kStepBytes = kPanelOutputs * 2;
  static HWY_INLINE FloatVector Get(const uint8_t* w, size_t lane,
                                    int /*which*/) {
    const hn::Rebind<hwy::float16_t, FloatTag> halves;
    return hn::PromoteTo(
        FloatTag(),
        hn::LoadU(halves, reinterpret_cast<const hwy::float16_t*>(w) + lane));
  }
};

struct BF16Weights {
  static constexpr int kInputs = 2;
  static constexpr size_t kStepBytes = kPanelOutputs * 4;
  static HWY_INLINE FloatVector Get(const uint8_t* w, size_t lane, int which) {
    const hn::RebindToUnsigned<FloatTag> dwords;
    const auto pair =
        hn::LoadU(dwords, reinterpret_cast<const uint32_t*>(w) + lane);
    return which == 0
               ? hn::BitCast(FloatTag(), hn::ShiftLeft<16>(pair))
               : hn::BitCast(FloatTag(),
                             hn::And(pair, hn::Set(dwords, 0xffff0000u)));
  }
};

constexpr size_t kPrefetchBytes = 4096;

// Registers side by side: AVX-512 has 32 of them, AVX2 16.
constexpr int VectorsFor(int rows) {
  if (kLanesOfVector == 16) return 4;
  return rows == 1 ? 8 : rows <= 3 ? 4 : 2;
}

// acc[n][v] = fma(weight, x[n], acc[n][v]) for one input.
template <class Weights, int kRows, int kVectors>
HWY_INLINE void AddInput(const uint8_t* w, int which, const float* x,
                         int64_t pitch, FloatVector (&acc)[kRows][kVectors]) {
  const FloatTag d;
  FloatVector weight[kVectors];
  OXBOW_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    weight[v] = Weights::Get(w, v * kLanesOfVector, which);
  }
  OXBOW_UNROLL
  for (int n = 0; n < kRows; ++n) {
    const FloatVector input = hn::Set(d, x[n * pitch]);
    OXBOW_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      acc[n][v] = hn::MulAdd(weight[v], input, acc[n][v]);
    }
  }
}

// sums[n] += dot for kRows rows by kVectors registers of outputs.
template <class Weights, int kRows, int kVectors>
HWY_INLINE void MultiplySlice(const uint8_t* w, const float* x, int64_t pitch,
                              int inputs, Ahead ahead, float* sums) {
  const FloatTag d;
  FloatVector acc[kRows][kVectors];
  OXBOW_UNROLL
  for (int n = 0; n < kRows; ++n) {
    OXBOW_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      acc[n][v] = hn::LoadU(d, sums + n * kPanelOutputs + v * kLanesOfVector);
    }
  }
  int k = 0;
  for (; k + Weights::kInputs <= inputs; k += Weights::kInputs) {
    if constexpr (kRows <= kPrefetchRows) {
      OXBOW_UNROLL
      for (size_t line = 0; line < Weights::kStepBytes; line += 64) {
        hwy::Prefetch(w + kPrefetchBytes + line);
      }
    }
    if constexpr (kRows >= kAheadRows) ahead.Ask();
    AddInput<Weights, kRows, kVectors>(w, 0, x, pitch, acc);
    if constexpr (Weights::kInputs == 2) {
      AddInput<Weights, kRows, kVectors>(w, 1, x + 1, pitch, acc);
    }
    w += Weights::kStepBytes;
    x += Weights::kInputs;
  }
  if (k < inputs) AddInput<Weights, kRows, kVectors>(w, 0, x, pitch, acc);
  OXBOW_UNROLL
  for (int n = 0; n < kRows; ++n) {
    OXBOW_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      hn::StoreU(acc[n][v], d, sums + n * kPanelOutputs + v * kLanesOfVector);
    }
  }
}

template <class Weights, int kRows>
HWY_NOINLINE void MultiplyRows(const uint8_t* w, const float* x, int64_t pitch,
                               int inputs, Ahead ahead, float* sums) {
  constexpr int kVectors = VectorsFor(kRows);
  constexpr int kOutputs = kVectors * kLanesOfVector;
  for (int o = 0; o < kPanelOutputs; o += kOutputs) {
    const size_t offset = o * (Weights::kStepBytes / kPanelOutputs);
    MultiplySlice<Weights, kRows, kVectors>(w + offset, x, pitch, inputs, ahead,
                                            sums + o);
    ahead = Ahead();
  }
}

template <class Weights>
void MultiplyBlock(int rows, const uint8_t* w, const float* x, int64_t pitch,
                   int inputs, Ahead ahead, float* sums) {
  switch (rows) {
    case 1:
      return MultiplyRows<Weights, 1>(w, x, pitch, inputs, ahead, sums);
    case 2:
      return MultiplyRows<Weights, 2>(w, x, pitch, inputs, ahead, sums);
    case 3:
      return MultiplyRows<Weights, 3>(w, x, pitch, inputs, ahead, sums);
    case 4:
      return MultiplyRows<Weights, 4>(w, x, pitch, inputs, ahead, sums);
    case 5:
      return MultiplyRows<Weights, 5>(w, x, pitch, inputs, ahead, sums);
    default:
      return MultiplyRows<Weights, 6>(w, x, pitch, inputs, ahead, sums);
  }
}

template <class Weights>
void MultiplyPlain(const Product& product, int panel, int row_begin,
                   int row_end) {
  HWY_ALIGN float sums[kBlockRows * kPanelOutputs];
  const int inputs = product.w.inputs;
  const PanelSize size = {PanelBytes(product.w.dtype, inputs),
                          Weights::kStepBytes};
  const uint8_t* w =
      static_cast<const uint8_t*>(product.w.data) + panel * size.bytes;
  ForBlocks(row_end - row_begin, w, size, [&](int begin, int end, Ahead ahead) {
    std::fill_n(sums, kBlockRows * kPanelOutputs, 0.0f);
    MultiplyBlock<Weights>(end - begin, w, product.x.row(row_begin + begin),
                           product.x.pitch, inputs, ahead, sums);
    Finish(product, panel, row_begin + begin, end - begin, sums);
  });
}

void MultiplyPanelNow(const Product& product, int panel, int row_begin,
                      int row_end) {
  switch (product.w.dtype) {
    case DType::kF32:
      return MultiplyPlain<F32Weights>(product, panel, row_begin, row_end);
    case DType::kF16:
      return MultiplyPlain<F16Weights>(product, panel, row_begin, row_end);
    case DType::kBF16:
      return MultiplyPlain<BF16Weights>(product, panel, row_begin, row_end);
    default:
      OXBOW_CHECK(false) << "weights in blocks: see block_product.h";
  }
}

const char* TargetName() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oxbow {
namespace {

HWY_EXPORT(MultiplyPanelNow);
HWY_EXPORT(TargetName);

// Copies one panel of `Number`s. Halves (bf16) interleave two inputs.
template <class Number, int kInterleave>
void PackNumbers(const HostMatrix& from, bool transposed, int panel,
                 Number* to) {
  const auto* numbers = static_cast<const Number*>(from.data);
  const int outputs = transposed ? from.columns : from.rows;
  const int inputs = transposed ? from.rows : from.columns;
  const int64_t output_step = transposed ? 1 : from.columns;
  const int64_t input_step = transposed ? from.columns : 1;
  const int first = panel * kPanelOutputs;
  const int count = std::min(kPanelOutputs, outputs - first);
  for (int o = 0; o < count; ++o) {
    const Number* source = numbers + (first + o) * output_step;
    for (int k = 0; k < inputs; ++k) {
      to[(k / kInterleave * kPanelOutputs + o) * kInterleave +
         k % kInterleave] = source[k * input_step];
    }
  }
}

}  // namespace

int PanelsOf(int outputs) {
  return (outputs + kPanelOutputs - 1) / kPanelOutputs;
}

size_t PanelBytes(DType dtype, int inputs) {
  if (NumbersPerBlock(dtype) > 1) return BlockPanelBytes(dtype, inputs);
  const size_t rounded = dtype == DType::kBF16 ? (inputs + 1) / 2 * 2 : inputs;
  return rounded * kPanelOutputs * BytesPerBlock(dtype);
}

void PackPanel(const HostMatrix& from, bool transposed, int panel,
               void* packed) {
  const int inputs = transposed ? from.rows : from.columns;
  char* to =
      static_cast<char*>(packed) + panel * PanelBytes(from.dtype, inputs);
  std::fill_n(to, PanelBytes(from.dtype, inputs), 0);
  switch (from.dtype) {
    case DType::kF32:
      return PackNumbers<float, 1>(from, transposed, panel,
                                   reinterpret_cast<float*>(to));
    case DType::kF16:
      return PackNumbers<uint16_t, 1>(from, transposed, panel,
                                      reinterpret_cast<uint16_t*>(to));
    case DType::kBF16:
      return PackNumbers<uint16_t, 2>(from, transposed, panel,
                                      reinterpret_cast<uint16_t*>(to));
    default:
      return PackBlockPanel(from, panel * kPanelOutputs, to);
  }
}

void MultiplyPanel(const Product& product, int panel, int row_begin,
                   int row_end) {
  HWY_DYNAMIC_DISPATCH(MultiplyPanelNow)(product, panel, row_begin, row_end);
}

const char* CpuTargetName() { return HWY_DYNAMIC_DISPATCH(TargetName)(); }

}  // namespace oxbow
#endif  // HWY_ONCE
