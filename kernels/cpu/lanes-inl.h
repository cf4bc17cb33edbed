// Sixteen fp32 numbers as one value, whatever the instruction set: one
// register of AVX-512, two of AVX2. Code written with it gives the same bits
// on both. Included once per Highway target.
#if defined(OXBOW_KERNELS_CPU_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OXBOW_KERNELS_CPU_LANES_INL_H_
#undef OXBOW_KERNELS_CPU_LANES_INL_H_
#else
#define OXBOW_KERNELS_CPU_LANES_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"

#define OXBOW_UNROLL _Pragma("GCC unroll 16")

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::CappedTag<float, 16>;
using FloatVector = hn::Vec<FloatTag>;
constexpr size_t kLanesOfVector = hn::MaxLanes(FloatTag());
constexpr size_t kVectorsOfLanes = 16 / kLanesOfVector;

struct Lanes {
  FloatVector part[kVectorsOfLanes];
};

// A function of vectors, applied to each part.
#define OXBOW_LANEWISE_1(Name, expression)         \
  HWY_INLINE Lanes Name(const Lanes& a) {          \
    Lanes z;                                       \
    OXBOW_UNROLL                                   \
    for (size_t i = 0; i < kVectorsOfLanes; ++i) { \
      z.part[i] = expression;                      \
    }                                              \
    return z;                                      \
  }
#define OXBOW_LANEWISE_2(Name)                            \
  HWY_INLINE Lanes Name(const Lanes& a, const Lanes& b) { \
    Lanes z;                                              \
    OXBOW_UNROLL                                          \
    for (size_t i = 0; i < kVectorsOfLanes; ++i) {        \
      z.part[i] = hn::Name(a.part[i], b.part[i]);         \
    }                                                     \
    return z;                                             \
  }

OXBOW_LANEWISE_1(Round, hn::Round(a.part[i]))
OXBOW_LANEWISE_1(Negate, hn::Neg(a.part[i]))
OXBOW_LANEWISE_2(Add)
OXBOW_LANEWISE_2(Sub)
OXBOW_LANEWISE_2(Mul)
OXBOW_LANEWISE_2(Div)
OXBOW_LANEWISE_2(Max)
OXBOW_LANEWISE_2(Min)

#undef OXBOW_LANEWISE_1
#undef OXBOW_LANEWISE_2

// fma(a, b, c): rounded once.
HWY_INLINE Lanes MulAdd(const Lanes& a, const Lanes& b, const Lanes& c) {
  Lanes z;
  OXBOW_UNROLL
  for (size_t i = 0; i < kVectorsOfLanes; ++i) {
    z.part[i] = hn::MulAdd(a.part[i], b.part[i], c.part[i]);
  }
  return z;
}

HWY_INLINE Lanes Set(float x) {
  Lanes z;
  OXBOW_UNROLL
  for (size_t i = 0; i < kVectorsOfLanes; ++i) {
    z.part[i] = hn::Set(FloatTag(), x);
  }
  return z;
}

HWY_INLINE Lanes Load(const float* from) {
  Lanes z;
  OXBOW_UNROLL
  for (size_t i = 0; i < kVectorsOfLanes; ++i) {
    z.part[i] = hn::LoadU(FloatTag(), from + i * kLanesOfVector);
  }
  return z;
}

HWY_INLINE void Store(const Lanes& a, float* to) {
  OXBOW_UNROLL
  for (size_t i = 0; i < kVectorsOfLanes; ++i) {
    hn::StoreU(a.part[i], FloatTag(), to + i * kLanesOfVector);
  }
}

// The ends of rows, out of line: they are rare, and arrays in the middle of
// unrolled loops cost the compiler minutes under a sanitizer.
static HWY_NOINLINE HWY_MAYBE_UNUSED Lanes LoadEnd(const float* from,
                                                   size_t count) {
  HWY_ALIGN float some[16] = {};
  for (size_t i = 0; i < count; ++i) some[i] = from[i];
  return Load(some);
}

static HWY_NOINLINE HWY_MAYBE_UNUSED void StoreEnd(const Lanes& a, float* to,
                                                   size_t count) {
  HWY_ALIGN float some[16];
  Store(a, some);
  for (size_t i = 0; i < count; ++i) to[i] = some[i];
}

static HWY_NOINLINE HWY_MAYBE_UNUSED Lanes KeepStart(const Lanes& a,
                                                     size_t count) {
  HWY_ALIGN float some[16];
  Store(a, some);
  return LoadEnd(some, count);
}

// The first `count` numbers of `from` (at least 1; past 16 means 16), then
// zeros. Reads nothing past them.
HWY_INLINE Lanes Load(const float* from, size_t count) {
  return count >= 16 ? Load(from) : LoadEnd(from, count);
}

// Stores the first `count` numbers and touches nothing past them.
HWY_INLINE void Store(const Lanes& a, float* to, size_t count) {
  if (count >= 16) return Store(a, to);
  StoreEnd(a, to, count);
}

// Keeps the first `count` numbers; the rest becomes zero.
HWY_INLINE Lanes KeepFirst(const Lanes& a, size_t count) {
  return count >= 16 ? a : KeepStart(a, count);
}

// The fixed tree of ops.h: partial[i] += partial[i + h] for h = 8, 4, 2, 1.
static HWY_NOINLINE HWY_MAYBE_UNUSED float TreeSum(const Lanes& a) {
  HWY_ALIGN float partial[16];
  Store(a, partial);
  const hn::CappedTag<float, 4> quad;
  if constexpr (hn::MaxLanes(quad) == 4) {
    const auto low =
        hn::Add(hn::Load(quad, partial), hn::Load(quad, partial + 8));
    const auto high =
        hn::Add(hn::Load(quad, partial + 4), hn::Load(quad, partial + 12));
    hn::Store(hn::Add(low, high), quad, partial);
  } else {
    for (size_t h = 8; h >= 4; h /= 2) {
      for (size_t i = 0; i < h; ++i) partial[i] += partial[i + h];
    }
  }
  return (partial[0] + partial[2]) + (partial[1] + partial[3]);
}

// e^x within 2e-7 of its size for x in [-87, 88]; x is clamped to that.
// The polynomial is Cephes' expf.
HWY_INLINE Lanes Exp(const Lanes& x_any) {
  const Lanes x = Min(Max(x_any, Set(-87.0f)), Set(88.0f));
  const Lanes n = Round(Mul(x, Set(1.44269504f)));
  Lanes r = MulAdd(n, Set(-0.693359375f), x);
  r = MulAdd(n, Set(2.12194440e-4f), r);
  Lanes p = Set(1.9875691500e-4f);
  p = MulAdd(p, r, Set(1.3981999507e-3f));
  p = MulAdd(p, r, Set(8.3334519073e-3f));
  p = MulAdd(p, r, Set(4.1665795894e-2f));
  p = MulAdd(p, r, Set(1.6666665459e-1f));
  p = MulAdd(p, r, Set(5.0000001201e-1f));
  p = MulAdd(Mul(p, r), r, Add(r, Set(1.0f)));
  const hn::RebindToSigned<FloatTag> integers;
  Lanes power;  // 2^n, by its exponent bits
  OXBOW_UNROLL
  for (size_t i = 0; i < kVectorsOfLanes; ++i) {
    const auto exponent =
        hn::Add(hn::ConvertTo(integers, n.part[i]), hn::Set(integers, 127));
    power.part[i] = hn::BitCast(FloatTag(), hn::ShiftLeft<23>(exponent));
  }
  return Mul(p, power);
}

// 1 / (1 + e^-x).
HWY_INLINE Lanes Sigmoid(const Lanes& x) {
  return Div(Set(1.0f), Add(Set(1.0f), Exp(Negate(x))));
}

// 1 - 2 / (1 + e^2x): absolute error 2e-7.
HWY_INLINE Lanes Tanh(const Lanes& x) {
  return Sub(Set(1.0f), Div(Set(2.0f), Add(Set(1.0f), Exp(Add(x, x)))));
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#endif  // OXBOW_KERNELS_CPU_LANES_INL_H_
