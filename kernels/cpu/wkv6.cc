#include "kernels/cpu/wkv6.h"

#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/wkv6.cc"
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
struct Wkv6Rows {
  static constexpr int kWidth = kHeadWidth<S>;
  HWY_ALIGN float r[kHeadRows][kWidth];
  HWY_ALIGN float decay[kHeadRows][kWidth];
  HWY_ALIGN float k[kHeadRows][kWidth];
  HWY_ALIGN float v[kHeadRows][kWidth];
  HWY_ALIGN float o[kHeadRows][kWidth];
};

// Fills row t of `rows` from row n of the inputs; `first` is the head's first
// channel.
template <int S>
HWY_INLINE void PrepareRow(const Wkv6Args& in, int64_t n, int first,
                           Wkv6Rows<S>& rows, int t) {
  for (int c = 0; c < S; c += 16) {
    const int i = first + c;
    const auto number = [&](const float* from)
                            HWY_ATTR { return Load(from + i, S - c); };
    if (in.w.data != nullptr) {
      const Lanes w = Add(number(in.w0.data), number(in.w.row(n)));
      Store(Exp(Negate(Exp(w))), rows.decay[t] + c);
    } else {
      Store(number(in.decay.data), rows.decay[t] + c);
    }
    Store(number(in.r.row(n)), rows.r[t] + c);
    Store(number(in.k.row(n)), rows.k[t] + c);
    Store(number(in.v.row(n)), rows.v[t] + c);
  }
}

// The recurrence over `count` rows for the value channels of kVectors
// registers.
template <int S, class Tag, int kVectors>
HWY_INLINE void RecurSlice(Wkv6Rows<S>& rows, int count, int slice,
                           float* state) {
  const Tag d;
  using V = hn::Vec<Tag>;
  constexpr int kLanes = hn::MaxLanes(Tag());
  for (int t = 0; t < count; ++t) {
    V o[kVectors], v[kVectors];
    OXBOW_UNROLL
    for (int q = 0; q < kVectors; ++q) {
      o[q] = hn::Zero(d);
      v[q] = hn::LoadU(d, rows.v[t] + slice + q * kLanes);
    }
    for (int j = 0; j < S; ++j) {
      const V decay = hn::Set(d, rows.decay[t][j]);
      const V k = hn::Set(d, rows.k[t][j]);
      const V r = hn::Set(d, rows.r[t][j]);
      float* line = state + j * S + slice;
      if (t == 0) AskForNextHead<S, kVectors * kLanes>(line);
      OXBOW_UNROLL
      for (int q = 0; q < kVectors; ++q) {
        float* s = line + q * kLanes;
        const V old = hn::LoadU(d, s);
        o[q] = hn::MulAdd(old, r, o[q]);
        hn::StoreU(hn::MulAdd(old, decay, hn::Mul(v[q], k)), d, s);
      }
    }
    OXBOW_UNROLL
    for (int q = 0; q < kVectors; ++q) {
      hn::StoreU(o[q], d, rows.o[t] + slice + q * kLanes);
    }
  }
}

template <int S>
HWY_INLINE void Recur(Wkv6Rows<S>& rows, int count, float* state) {
  if constexpr (S < 16) {
    using Tag = hn::CappedTag<float, S>;
    RecurSlice<S, Tag, S / hn::MaxLanes(Tag())>(rows, count, 0, state);
  } else {
    // Twice as many registers are in use as a slice has, and four more.
    constexpr int kSliceMax = kLanesOfVector == 16 ? 128 : 32;
    constexpr int kSlice = S < kSliceMax ? S : kSliceMax;
    for (int i = 0; i < S; i += kSlice) {
      RecurSlice<S, FloatTag, kSlice / kLanesOfVector>(rows, count, i, state);
    }
  }
}

// The bonus, GroupNorm and the gate: row t of `rows` to row n of y.
template <int S>
HWY_INLINE void FinishRow(const Wkv6Args& args, int64_t n, int first,
                          Wkv6Rows<S>& rows, int t) {
  const Lanes bonus =
      Set(BonusOf<S>(rows.r[t], rows.k[t], args.u.data + first));
  for (int c = 0; c < S; c += 16) {
    const int count = S - c;
    Store(MulAdd(bonus, Load(rows.v[t] + c), Load(rows.o[t] + c, count)),
          rows.o[t] + c, count);
  }
  NormHead<S>(rows.o[t], args.norm_scale.data + first,
              args.norm_bias.data + first);
  for (int c = 0; c < S; c += 16) {
    const int i = first + c;
    const int count = S - c;
    Lanes z = Load(rows.o[t] + c, count);
    if (args.g.data != nullptr) z = Mul(z, Load(args.g.row(n) + i, count));
    Store(z, args.y.row(n) + i, count);
  }
}

template <int S>
struct Wkv6OfSize {
  static HWY_NOINLINE void Run(const Wkv6Args& args, int head, int row_begin,
                               int row_end, float* state) {
    RunRows<Wkv6Rows<S>>(args, head * S, row_begin, row_end, state);
  }
};

void Wkv6Now(const Wkv6Args& args, int head, int row_begin, int row_end,
             float* state) {
  RunForHeadSize<Wkv6OfSize>(args.head_size, args, head, row_begin, row_end,
                             state);
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oxbow {
namespace {

HWY_EXPORT(Wkv6Now);

}  // namespace

void Wkv6Head(const Wkv6Args& args, int head, int row_begin, int row_end,
              float* state) {
  HWY_DYNAMIC_DISPATCH(Wkv6Now)(args, head, row_begin, row_end, state);
}

}  // namespace oxbow
#endif  // HWY_ONCE
