#include "kernels/cpu/rows.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/rows.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/highway.h"
#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

void NormRowNow(float* y, const float* x, Vector scale, Vector bias,
                float eps) {
  const int width = scale.size;
  Lanes total = Set(0.0f);
  for (int c = 0; c < width; c += 16) {
    total = Add(total, Load(x + c, width - c));
  }
  const Lanes mean = Set(TreeSum(total) / width);
  Lanes squares = Set(0.0f);
  for (int c = 0; c < width; c += 16) {
    const Lanes d = KeepFirst(Sub(Load(x + c, width - c), mean), width - c);
    squares = MulAdd(d, d, squares);
  }
  const Lanes inverse = Set(1.0f / std::sqrt(TreeSum(squares) / width + eps));
  for (int c = 0; c < width; c += 16) {
    const int count = width - c;
    const Lanes d = Sub(Load(x + c, count), mean);
    const Lanes z = MulAdd(Mul(d, inverse), Load(scale.data + c, count),
                           Load(bias.data + c, count));
    Store(z, y + c, count);
  }
}

void MixRowNow(absl::Span<const Mix> mixes, Rows x, int n, const float* prev) {
  const float* row = x.row(n);
  for (int c = 0; c < x.width; c += 16) {
    const int count = x.width - c;
    const Lanes here = Load(row + c, count);
    const Lanes change = Sub(Load(prev + c, count), here);
    for (const Mix& mix : mixes) {
      Lanes amount = Load(mix.amount.data + c, count);
      if (mix.more.data != nullptr) {
        amount = Add(amount, Load(mix.more.row(n) + c, count));
      }
      Store(MulAdd(change, amount, here), mix.y.row(n) + c, count);
    }
  }
}

void AddGatedRowNow(float* x, const float* gate, const float* y, int width) {
  for (int c = 0; c < width; c += 16) {
    const int count = width - c;
    const Lanes z =
        MulAdd(Load(gate + c, count), Load(y + c, count), Load(x + c, count));
    Store(z, x + c, count);
  }
}

void WidenHalves(float* to, const hwy::float16_t* from, int width) {
  const hn::Rebind<hwy::float16_t, FloatTag> halves;
  const int lanes = kLanesOfVector;
  int c = 0;
  for (; c + lanes <= width; c += lanes) {
    hn::StoreU(hn::PromoteTo(FloatTag(), hn::LoadU(halves, from + c)),
               FloatTag(), to + c);
  }
  hwy::float16_t last[kLanesOfVector] = {};
  std::copy(from + c, from + width, last);
  HWY_ALIGN float widened[kLanesOfVector];
  hn::Store(hn::PromoteTo(FloatTag(), hn::LoadU(halves, last)), FloatTag(),
            widened);
  std::copy_n(widened, width - c, to + c);
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oxbow {
namespace {

HWY_EXPORT(NormRowNow);
HWY_EXPORT(MixRowNow);
HWY_EXPORT(AddGatedRowNow);
HWY_EXPORT(WidenHalves);

}  // namespace

void NormRow(float* y, const float* x, Vector scale, Vector bias, float eps) {
  HWY_DYNAMIC_DISPATCH(NormRowNow)(y, x, scale, bias, eps);
}

void MixRow(absl::Span<const Mix> mixes, Rows x, int n, const float* prev) {
  HWY_DYNAMIC_DISPATCH(MixRowNow)(mixes, x, n, prev);
}

void AddGatedRow(float* x, const float* gate, const float* y, int width) {
  HWY_DYNAMIC_DISPATCH(AddGatedRowNow)(x, gate, y, width);
}

void WidenRow(float* to, const void* from, DType dtype, int width) {
  switch (dtype) {
    case DType::kF32:
      std::memcpy(to, from, width * sizeof(float));
      return;
    case DType::kF16:
      HWY_DYNAMIC_DISPATCH(WidenHalves)
      (to, static_cast<const hwy::float16_t*>(from), width);
      return;
    case DType::kBF16:
      for (int c = 0; c < width; ++c) {
        const uint32_t bits = uint32_t{static_cast<const uint16_t*>(from)[c]}
                              << 16;
        std::memcpy(&to[c], &bits, sizeof(bits));
      }
      return;
    default:
      Dequantize(to, from, dtype, width);
  }
}

}  // namespace oxbow
#endif  // HWY_ONCE
