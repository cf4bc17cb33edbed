// What the kernels of RWKV-5 to RWKV-7 share: work inside one head of S
// channels. Included once per Highway target.
#if defined(OXBOW_KERNELS_CPU_HEADS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OXBOW_KERNELS_CPU_HEADS_INL_H_
#undef OXBOW_KERNELS_CPU_HEADS_INL_H_
#else
#define OXBOW_KERNELS_CPU_HEADS_INL_H_
#endif

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "hwy/highway.h"
#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

// Rows prepared together: few, so that they stay in L1 beside the state.
constexpr int kHeadRows = 8;

// Channels of a head's rows in memory of ours. Heads of 8 channels are padded
// to 16 with zeros.
template <int S>
constexpr int kHeadWidth = S < 16 ? 16 : S;

// Asks memory, into the second-level cache, for what the next head has where
// this one has `kCount` numbers from `line` on. The states of many streams come
// from memory; one head's arithmetic hides the way of the next one's (64
// streams of int8, one thread: 4 percent). Behind the last head it asks for
// what nobody may need: a prefetch never faults.
template <int S, int kCount>
HWY_INLINE void AskForNextHead(const float* line) {
  constexpr int kNumbersOfLine = 64 / sizeof(float);
  OXBOW_UNROLL
  for (int i = 0; i < kCount; i += kNumbersOfLine) {
    __builtin_prefetch(line + S * S + i, /*write=*/0, /*second level=*/2);
  }
}

// o = Norm(o) of ops.h over one head, eps 64e-5. What lies past S in o stays.
template <int S>
HWY_INLINE void NormHead(float* o, const float* scale, const float* bias) {
  Lanes total = Set(0.0f);
  for (int c = 0; c < S; c += 16) total = Add(total, Load(o + c, S - c));
  const Lanes mean = Set(TreeSum(total) / S);
  Lanes squares = Set(0.0f);
  for (int c = 0; c < S; c += 16) {
    const Lanes d = KeepFirst(Sub(Load(o + c, S - c), mean), S - c);
    squares = MulAdd(d, d, squares);
  }
  const Lanes inverse = Set(1.0f / std::sqrt(TreeSum(squares) / S + 64e-5f));
  for (int c = 0; c < S; c += 16) {
    const int count = S - c;
    const Lanes d = Sub(Load(o + c, count), mean);
    Store(
        MulAdd(Mul(d, inverse), Load(scale + c, count), Load(bias + c, count)),
        o + c, count);
  }
}

// sum(r * k * u) of ops.h over one head; r and k are padded, u is not.
template <int S>
HWY_INLINE float BonusOf(const float* r, const float* k, const float* u) {
  Lanes bonus = Set(0.0f);
  for (int c = 0; c < S; c += 16) {
    const Lanes rk = Mul(Load(r + c), Load(k + c));
    bonus = MulAdd(rk, Load(u + c, S - c), bonus);
  }
  return TreeSum(bonus);
}

// Rows row_begin .. row_end - 1 of the head whose first channel is `first`, a
// few at a time: prepared by the kernel's PrepareRow, run through the state by
// its Recur, written to y by its FinishRow. `HeadRows`, by which these are
// found, holds the few.
template <class HeadRows, class Args>
HWY_INLINE void RunRows(const Args& args, int first, int row_begin, int row_end,
                        float* state) {
  HeadRows rows;
  for (int n = row_begin; n < row_end; n += kHeadRows) {
    const int count = std::min(kHeadRows, row_end - n);
    for (int t = 0; t < count; ++t) PrepareRow(args, n + t, first, rows, t);
    Recur(rows, count, state);
    for (int t = 0; t < count; ++t) FinishRow(args, n + t, first, rows, t);
  }
}

// Calls Kernel<S>::Run(args...) for the head size S. Compiled for registers of
// kLanes: the baseline, of one lane, has no fused multiply-add. CpuOps::Create
// refuses such CPUs, and compiling it takes long.
template <template <int> class Kernel, size_t kLanes = kLanesOfVector,
          class... Args>
void RunForHeadSize(int size, Args&&... args) {
  if constexpr (kLanes < 8) {
    OXBOW_CHECK(false) << "no fused multiply-add";
  } else {
    switch (size) {
      case 8:
        return Kernel<8>::Run(args...);
      case 16:
        return Kernel<16>::Run(args...);
      case 32:
        return Kernel<32>::Run(args...);
      case 64:
        return Kernel<64>::Run(args...);
      case 128:
        return Kernel<128>::Run(args...);
    }
    OXBOW_CHECK(false) << "heads of " << size;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#endif  // OXBOW_KERNELS_CPU_HEADS_INL_H_
