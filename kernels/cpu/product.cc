#include "kernels/cpu/product.h"

#include <algorithm>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/product.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "kernels/cpu/block_tile-inl.h"
#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

// How a panel's bytes become fp32. `which` counts inputs within one step.
// kPrefetch: the bytes come from memory.

struct F32Weights {
  static constexpr bool kPrefetch = true;
  static constexpr int kInputs = 1;
  static constexpr size_t kStepBytes = kPanelOutputs * 4;
  static HWY_INLINE FloatVector Get(const uint8_t* w, size_t lane,
                                    int /*which*/) {
    return hn::LoadU(FloatTag(), reinterpret_cast<const float*>(w) + lane);
  }
};

// Weights that were made fp32 a moment ago.
struct TileWeights : F32Weights {
  static constexpr bool kPrefetch = false;
};

struct F16Weights {
  static constexpr bool kPrefetch = true;
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
  static constexpr bool kPrefetch = true;
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

// Rows computed together: as many accumulators as the registers hold.
constexpr int kBlockRows = 6;
// Up to here a product waits for memory, and a prefetch pays: measured.
constexpr int kPrefetchRows = 4;
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
                              int inputs, float* sums) {
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
    if constexpr (Weights::kPrefetch && kRows <= kPrefetchRows) {
      OXBOW_UNROLL
      for (size_t line = 0; line < Weights::kStepBytes; line += 64) {
        hwy::Prefetch(w + kPrefetchBytes + line);
      }
    }
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
                               int inputs, float* sums) {
  constexpr int kVectors = VectorsFor(kRows);
  constexpr int kOutputs = kVectors * kLanesOfVector;
  for (int o = 0; o < kPanelOutputs; o += kOutputs) {
    const size_t offset = o * (Weights::kStepBytes / kPanelOutputs);
    MultiplySlice<Weights, kRows, kVectors>(w + offset, x, pitch, inputs,
                                            sums + o);
  }
}

template <class Weights>
void MultiplyBlock(int rows, const uint8_t* w, const float* x, int64_t pitch,
                   int inputs, float* sums) {
  switch (rows) {
    case 1:
      return MultiplyRows<Weights, 1>(w, x, pitch, inputs, sums);
    case 2:
      return MultiplyRows<Weights, 2>(w, x, pitch, inputs, sums);
    case 3:
      return MultiplyRows<Weights, 3>(w, x, pitch, inputs, sums);
    case 4:
      return MultiplyRows<Weights, 4>(w, x, pitch, inputs, sums);
    case 5:
      return MultiplyRows<Weights, 5>(w, x, pitch, inputs, sums);
    default:
      return MultiplyRows<Weights, 6>(w, x, pitch, inputs, sums);
  }
}

HWY_INLINE Lanes Activate(const Lanes& x, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kTanh:
      return Tanh(x);
    case Activation::kSigmoid:
      return Sigmoid(x);
    case Activation::kSilu:
      return Mul(x, Sigmoid(x));
    case Activation::kRelu:
      return Max(x, Set(0.0f));
    case Activation::kReluSquared: {
      const Lanes positive = Max(x, Set(0.0f));
      return Mul(positive, positive);
    }
  }
  return x;
}

// Hands sums on to y: activation, then store or add.
void Finish(const Product& product, int panel, int row_begin, int rows,
            const float* sums) {
  const int first = panel * kPanelOutputs;
  const int outputs = std::min(kPanelOutputs, product.w.outputs - first);
  for (int n = 0; n < rows; ++n) {
    float* y = product.y.row(row_begin + n) + first;
    for (int o = 0; o < outputs; o += 16) {
      Lanes z =
          Activate(Load(sums + n * kPanelOutputs + o), product.activation);
      if (product.add) z = Add(Load(y + o, outputs - o), z);
      Store(z, y + o, outputs - o);
    }
  }
}

// Calls work(begin, end) for blocks of rows that are as even as can be: 8 rows
// are 4 + 4, for 6 + 2 is slower.
template <class Work>
HWY_INLINE void ForBlocks(int rows, Work work) {
  const int blocks = (rows + kBlockRows - 1) / kBlockRows;
  for (int b = 0; b < blocks; ++b) {
    work(static_cast<int>(static_cast<int64_t>(rows) * b / blocks),
         static_cast<int>(static_cast<int64_t>(rows) * (b + 1) / blocks));
  }
}

template <class Weights>
void MultiplyPlain(const Product& product, int panel, int row_begin,
                   int row_end) {
  HWY_ALIGN float sums[kBlockRows * kPanelOutputs];
  const int inputs = product.w.inputs;
  const uint8_t* w = static_cast<const uint8_t*>(product.w.data) +
                     panel * PanelBytes(product.w.dtype, inputs);
  ForBlocks(row_end - row_begin, [&](int begin, int end) {
    std::fill_n(sums, kBlockRows * kPanelOutputs, 0.0f);
    MultiplyBlock<Weights>(end - begin, w, product.x.row(row_begin + begin),
                           product.x.pitch, inputs, sums);
    Finish(product, panel, row_begin + begin, end - begin, sums);
  });
}

// Few rows wait for memory: their weights are made fp32 in registers, of which
// AVX2 has few.
constexpr int kFewRows = kLanesOfVector == 16 ? 4 : 2;

// sums[n] += dot over one group of inputs, for the outputs 16 v + lane of one
// register each.
template <DType kDType, int kRows>
HWY_INLINE void MultiplyGroup(const Group& at, const int8_t* q, int lane,
                              const float* x, int64_t pitch, float* sums) {
  constexpr BlockLayout kLayout = LayoutOf(kDType);
  const FloatTag d;
  const Scales scales = LoadScales<kDType>(at, lane);
  FloatVector acc[kRows][4];
  OXBOW_UNROLL
  for (int n = 0; n < kRows; ++n) {
    OXBOW_UNROLL
    for (int v = 0; v < 4; ++v) {
      acc[n][v] = hn::LoadU(d, sums + n * kPanelOutputs + 16 * v + lane);
    }
  }
  const uint8_t* ahead = at.group + kBlockPrefetchBytes;
  for (int i = 0; i < kLayout.group; ++i) {
    hwy::Prefetch(ahead);
    ahead += kLayout.GroupBytes() / kLayout.group;
    FloatVector w[4];
    LoadWeights<kDType>(q + i * kPanelOutputs, lane, scales, w);
    OXBOW_UNROLL
    for (int n = 0; n < kRows; ++n) {
      const FloatVector input = hn::Set(d, x[n * pitch + i]);
      OXBOW_UNROLL
      for (int v = 0; v < 4; ++v)
        acc[n][v] = hn::MulAdd(w[v], input, acc[n][v]);
    }
  }
  OXBOW_UNROLL
  for (int n = 0; n < kRows; ++n) {
    OXBOW_UNROLL
    for (int v = 0; v < 4; ++v) {
      hn::StoreU(acc[n][v], d, sums + n * kPanelOutputs + 16 * v + lane);
    }
  }
}

template <DType kDType, int kRows>
HWY_NOINLINE void MultiplyFewRows(const uint8_t* packed, const float* x,
                                  int64_t pitch, int inputs, float* sums) {
  constexpr int kGroup = LayoutOf(kDType).group;
  HWY_ALIGN int8_t room[kGroup * kPanelOutputs];
  ForGroups<kDType>(packed, 0, inputs, [&](const Group& at) HWY_ATTR {
    const int8_t* q = CodesOf<kDType>(at, room);
    for (int lane = 0; lane < 16; lane += kLanesOfVector) {
      MultiplyGroup<kDType, kRows>(at, q, lane, x, pitch, sums);
    }
    x += kGroup;
  });
}

template <DType kDType>
void MultiplyFew(const Product& product, int panel, int row_begin, int rows) {
  HWY_ALIGN float sums[kFewRows * kPanelOutputs] = {};
  const int inputs = product.w.inputs;
  const uint8_t* packed = static_cast<const uint8_t*>(product.w.data) +
                          panel * PanelBytes(kDType, inputs);
  const float* x = product.x.row(row_begin);
  const int64_t pitch = product.x.pitch;
  switch (rows) {
    case 1:
      MultiplyFewRows<kDType, 1>(packed, x, pitch, inputs, sums);
      break;
    case 2:
      MultiplyFewRows<kDType, 2>(packed, x, pitch, inputs, sums);
      break;
    case 3:
      MultiplyFewRows<kDType, std::min(3, kFewRows)>(packed, x, pitch, inputs,
                                                     sums);
      break;
    default:
      MultiplyFewRows<kDType, kFewRows>(packed, x, pitch, inputs, sums);
  }
  Finish(product, panel, row_begin, rows, sums);
}

// Many rows share a tile of weights made fp32, in the first cache.
constexpr int kTileRows = 96;
constexpr int kTileInputs = 64;

template <DType kDType>
HWY_NOINLINE void MultiplyTiles(const Product& product, int panel,
                                int row_begin, int rows) {
  HWY_ALIGN float w[kTileInputs * kPanelOutputs];
  HWY_ALIGN float sums[kTileRows * kPanelOutputs];
  std::fill_n(sums, rows * kPanelOutputs, 0.0f);
  const int inputs = product.w.inputs;
  const uint8_t* packed = static_cast<const uint8_t*>(product.w.data) +
                          panel * PanelBytes(kDType, inputs);
  for (int k = 0; k < inputs; k += kTileInputs) {
    const int count = std::min(kTileInputs, inputs - k);
    DequantizeInputs<kDType>(packed, k, k + count, w);
    ForBlocks(rows, [&](int begin, int end) {
      MultiplyBlock<TileWeights>(
          end - begin, reinterpret_cast<const uint8_t*>(w),
          product.x.row(row_begin + begin) + k, product.x.pitch, count,
          sums + begin * kPanelOutputs);
    });
  }
  Finish(product, panel, row_begin, rows, sums);
}

template <DType kDType>
void MultiplyBlocks(const Product& product, int panel, int row_begin,
                    int row_end) {
  if (row_end - row_begin <= kFewRows) {
    return MultiplyFew<kDType>(product, panel, row_begin, row_end - row_begin);
  }
  for (int row = row_begin; row < row_end; row += kTileRows) {
    MultiplyTiles<kDType>(product, panel, row,
                          std::min(kTileRows, row_end - row));
  }
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
    case DType::kQ8_0:
      return MultiplyBlocks<DType::kQ8_0>(product, panel, row_begin, row_end);
    case DType::kQ4_0:
      return MultiplyBlocks<DType::kQ4_0>(product, panel, row_begin, row_end);
    case DType::kQ4_1:
      return MultiplyBlocks<DType::kQ4_1>(product, panel, row_begin, row_end);
    case DType::kQ5_0:
      return MultiplyBlocks<DType::kQ5_0>(product, panel, row_begin, row_end);
    case DType::kQ5_1:
      return MultiplyBlocks<DType::kQ5_1>(product, panel, row_begin, row_end);
    case DType::kQ4_K:
      return MultiplyBlocks<DType::kQ4_K>(product, panel, row_begin, row_end);
    case DType::kQ5_K:
      return MultiplyBlocks<DType::kQ5_K>(product, panel, row_begin, row_end);
    case DType::kQ6_K:
      return MultiplyBlocks<DType::kQ6_K>(product, panel, row_begin, row_end);
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
