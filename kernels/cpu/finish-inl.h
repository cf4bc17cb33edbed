// What every product does with its sums, and how it cuts its rows. Included
// once per Highway target.
#if defined(OXBOW_KERNELS_CPU_FINISH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OXBOW_KERNELS_CPU_FINISH_INL_H_
#undef OXBOW_KERNELS_CPU_FINISH_INL_H_
#else
#define OXBOW_KERNELS_CPU_FINISH_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "hwy/highway.h"
#include "kernels/cpu/block_panel.h"
#include "kernels/cpu/lanes-inl.h"
#include "kernels/ops.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

// Rows computed together: as many accumulators as the registers hold.
constexpr int kBlockRows = 6;
// Up to here a product waits for memory, and a prefetch pays: measured.
constexpr int kPrefetchRows = 4;

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
static HWY_MAYBE_UNUSED void Finish(const Product& product, int panel,
                                    int row_begin, int rows,
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

// Where there are two passes over a panel, each has this many rows at least.
constexpr int kAheadRows = 3;

// What a pass over a panel asks memory for on the side, at each of its steps:
// a part of the panel behind it, into the second-level cache. With two passes
// or more the next panel is there when its turn comes; the first pass would
// wait for memory, and the others leave it idle. Behind the last panel it asks
// for what is nobody's: a prefetch never faults.
struct Ahead {
  const uint8_t* next = nullptr;
  int lines = 0;
  int stride = 0;

  HWY_INLINE void Ask() {
    for (int i = 0; i < lines; ++i) {
      __builtin_prefetch(next + 64 * i, /*write=*/0, /*second level=*/2);
    }
    next += stride;
  }
};

// A panel's bytes, and how many of them a step takes.
struct PanelSize {
  size_t bytes;
  size_t step_bytes;
};

// Of pass `block` of so many over the panel before `next`. One pass alone asks
// for its own panel; more than four share it among the first four.
HWY_INLINE Ahead AheadOf(const uint8_t* next, PanelSize size, int block,
                         int blocks) {
  const int parts = std::min(blocks, 4);
  if (blocks == 1 || block >= parts) return Ahead();
  Ahead ahead;
  ahead.next = next + size.bytes * block / parts;
  ahead.stride = static_cast<int>((size.step_bytes + parts - 1) / parts);
  ahead.lines = (ahead.stride + 63) / 64;
  return ahead;
}

// Calls work(begin, end, ahead) for blocks of rows that are as even as can be:
// 8 rows are 4 + 4, for 6 + 2 is slower. `panel` is what they are multiplied
// by.
template <class Work>
HWY_INLINE void ForBlocks(int rows, const uint8_t* panel, PanelSize size,
                          Work work) {
  const int blocks = (rows + kBlockRows - 1) / kBlockRows;
  for (int b = 0; b < blocks; ++b) {
    work(static_cast<int>(static_cast<int64_t>(rows) * b / blocks),
         static_cast<int>(static_cast<int64_t>(rows) * (b + 1) / blocks),
         AheadOf(panel + size.bytes, size, b, blocks));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#endif  // OXBOW_KERNELS_CPU_FINISH_INL_H_
