#include "kernels/cpu/wkv7.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/wkv7.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/highway.h"
#include "kernels/cpu/heads-inl.h"
#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

// The inputs of the recurrence for some rows of one head.
template <int S>
struct Wkv7Rows {
  static constexpr int kWidth = kHeadWidth<S>;
  HWY_ALIGN float r[kHeadRows][kWidth];
  HWY_ALIGN float decay[kHeadRows][kWidth];
  HWY_ALIGN float k[kHeadRows][kWidth];
  HWY_ALIGN float v[kHeadRows][kWidth];
  HWY_ALIGN float minus_kk[kHeadRows][kWidth];
  HWY_ALIGN float kk_a[kHeadRows][kWidth];
  HWY_ALIGN float o[kHeadRows][kWidth];
};

// -exp(-0.5): the steepest log-decay of a channel.
constexpr float kMinusExpMinusHalf = -0.606530659712633f;

// Fills row t of `rows` from row n of the inputs; `first` is the head's first
// channel.
template <int S>
HWY_INLINE void PrepareRow(const Wkv7Args& in, int64_t n, int first,
                           Wkv7Rows<S>& rows, int t) {
  const Lanes one = Set(1.0f);
  Lanes squares = Set(0.0f);
  for (int c = 0; c < S; c += 16) {
    const int i = first + c;
    const auto number = [&](const float* from)
                            HWY_ATTR { return Load(from + i, S - c); };
    const Lanes w = Add(number(in.w0.data), number(in.w.row(n)));
    Store(Exp(Mul(Set(kMinusExpMinusHalf), Sigmoid(w))), rows.decay[t] + c);

    Lanes v = number(in.v.row(n));
    if (in.leans) {
      const Lanes gate =
          Sigmoid(Add(number(in.v0.data), number(in.v_gate.row(n))));
      v = MulAdd(Sub(number(in.v_first.row(n)), v), gate, v);
    }
    Store(v, rows.v[t] + c);
    Store(number(in.r.row(n)), rows.r[t] + c);

    const Lanes k = number(in.k.row(n));
    const Lanes kk = Mul(k, number(in.k_k.data));
    squares = MulAdd(kk, kk, squares);
    Store(kk, rows.minus_kk[t] + c);
    const Lanes a = Sigmoid(Add(number(in.a0.data), number(in.a.row(n))));
    Store(a, rows.kk_a[t] + c);
    Store(Mul(k, MulAdd(Sub(a, one), number(in.k_a.data), one)), rows.k[t] + c);
  }
  const float norm = std::max(std::sqrt(TreeSum(squares)), 1e-12f);
  const Lanes inverse = Set(1.0f / norm);
  for (int c = 0; c < S; c += 16) {
    const Lanes kk = Mul(Load(rows.minus_kk[t] + c), inverse);
    Store(Negate(kk), rows.minus_kk[t] + c);
    Store(Mul(kk, Load(rows.kk_a[t] + c)), rows.kk_a[t] + c);
  }
}

// The recurrence over `count` rows for the value channels of kVectors
// registers. While a line of the state is in a register it also serves the
// next row's u = s * -kk: the same order, hence the same bits, in one pass.
template <int S, class Tag, int kVectors>
HWY_INLINE void RecurSlice(Wkv7Rows<S>& rows, int count, int slice,
                           float* state) {
  const Tag d;
  using V = hn::Vec<Tag>;
  constexpr int kLanes = hn::MaxLanes(Tag());
  V u[kVectors];
  OXBOW_UNROLL
  for (int q = 0; q < kVectors; ++q) u[q] = hn::Zero(d);
  for (int j = 0; j < S; ++j) {
    const V minus_kk = hn::Set(d, rows.minus_kk[0][j]);
    OXBOW_UNROLL
    for (int q = 0; q < kVectors; ++q) {
      u[q] = hn::MulAdd(hn::LoadU(d, state + j * S + slice + q * kLanes),
                        minus_kk, u[q]);
    }
  }
  for (int t = 0; t < count; ++t) {
    const float* next_kk = rows.minus_kk[std::min(t + 1, count - 1)];
    V o[kVectors], v[kVectors], next_u[kVectors];
    OXBOW_UNROLL
    for (int q = 0; q < kVectors; ++q) {
      o[q] = next_u[q] = hn::Zero(d);
      v[q] = hn::LoadU(d, rows.v[t] + slice + q * kLanes);
    }
    for (int j = 0; j < S; ++j) {
      const V decay = hn::Set(d, rows.decay[t][j]);
      const V kk_a = hn::Set(d, rows.kk_a[t][j]);
      const V k = hn::Set(d, rows.k[t][j]);
      const V r = hn::Set(d, rows.r[t][j]);
      const V minus_kk = hn::Set(d, next_kk[j]);
      float* line = state + j * S + slice;
      if (t == 0) AskForNextHead<S, kVectors * kLanes>(line);
      OXBOW_UNROLL
      for (int q = 0; q < kVectors; ++q) {
        float* s = line + q * kLanes;
        const V z = hn::MulAdd(hn::LoadU(d, s), decay,
                               hn::MulAdd(u[q], kk_a, hn::Mul(v[q], k)));
        hn::StoreU(z, d, s);
        o[q] = hn::MulAdd(z, r, o[q]);
        next_u[q] = hn::MulAdd(z, minus_kk, next_u[q]);
      }
    }
    OXBOW_UNROLL
    for (int q = 0; q < kVectors; ++q) {
      hn::StoreU(o[q], d, rows.o[t] + slice + q * kLanes);
      u[q] = next_u[q];
    }
  }
}

template <int S>
HWY_INLINE void Recur(Wkv7Rows<S>& rows, int count, float* state) {
  if constexpr (S < 16) {
    using Tag = hn::CappedTag<float, S>;
    RecurSlice<S, Tag, S / hn::MaxLanes(Tag())>(rows, count, 0, state);
  } else {
    // Four times as many registers are in use as a slice has.
    constexpr int kSlice = kLanesOfVector == 16 ? (S < 64 ? S : 64) : 16;
    for (int i = 0; i < S; i += kSlice) {
      RecurSlice<S, FloatTag, kSlice / kLanesOfVector>(rows, count, i, state);
    }
  }
}

// GroupNorm of o, the bonus and the gate: row t of `rows` to row n of y.
template <int S>
HWY_INLINE void FinishRow(const Wkv7Args& args, int64_t n, int first,
                          Wkv7Rows<S>& rows, int t) {
  const Lanes bonus =
      Set(BonusOf<S>(rows.r[t], rows.k[t], args.r_k.data + first));
  NormHead<S>(rows.o[t], args.norm_scale.data + first,
              args.norm_bias.data + first);
  for (int c = 0; c < S; c += 16) {
    const int i = first + c;
    const int count = S - c;
    const Lanes z =
        MulAdd(bonus, Load(rows.v[t] + c), Load(rows.o[t] + c, count));
    Store(Mul(z, Load(args.g.row(n) + i, count)), args.y.row(n) + i, count);
  }
}

template <int S>
struct Wkv7OfSize {
  static HWY_NOINLINE void Run(const Wkv7Args& args, int head, int row_begin,
                               int row_end, float* state) {
    RunRows<Wkv7Rows<S>>(args, head * S, row_begin, row_end, state);
  }
};

void Wkv7Now(const Wkv7Args& args, int head, int row_begin, int row_end,
             float* state) {
  RunForHeadSize<Wkv7OfSize>(args.head_size, args, head, row_begin, row_end,
                             state);
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oxbow {
namespace {

HWY_EXPORT(Wkv7Now);

}  // namespace

void Wkv7Head(const Wkv7Args& args, int head, int row_begin, int row_end,
              float* state) {
  HWY_DYNAMIC_DISPATCH(Wkv7Now)(args, head, row_begin, row_end, state);
}

}  // namespace oxbow
#endif  // HWY_ONCE
