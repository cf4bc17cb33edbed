// A block column of a panel (block_panel.h) made fp32: the numbers of
// kernels/blocks.h, bit for bit. Included once per Highway target.
#if defined(OXBOW_KERNELS_CPU_BLOCK_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OXBOW_KERNELS_CPU_BLOCK_TILE_INL_H_
#undef OXBOW_KERNELS_CPU_BLOCK_TILE_INL_H_
#else
#define OXBOW_KERNELS_CPU_BLOCK_TILE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "kernels/cpu/block_panel.h"
#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

using ByteTag = hn::CappedTag<uint8_t, kPanelOutputs>;
using ByteVector = hn::Vec<ByteTag>;

// How far ahead of the codes memory is asked for: measured.
constexpr size_t kBlockPrefetchBytes = 8192;

HWY_INLINE FloatVector WidenHalves(const uint8_t* from) {
  const hn::Rebind<hwy::float16_t, FloatTag> halves;
  return hn::PromoteTo(
      FloatTag(),
      hn::LoadU(halves, reinterpret_cast<const hwy::float16_t*>(from)));
}

HWY_INLINE FloatVector WidenBytes(const int8_t* from) {
  const hn::Rebind<int32_t, FloatTag> dwords;
  const hn::Rebind<int8_t, FloatTag> bytes;
  return hn::ConvertTo(FloatTag(),
                       hn::PromoteTo(dwords, hn::LoadU(bytes, from)));
}

// The bits of input kInput of a row of upper bits, kBits an input, where they
// belong in a code: from bit 4 on.
template <int kBits, int kInput>
HWY_INLINE ByteVector UpperBits(ByteVector bits) {
  constexpr int kAt = kInput * kBits;
  const ByteVector mask = hn::Set(ByteTag(), ((1 << kBits) - 1) << 4);
  if constexpr (kAt <= 4) {
    return hn::And(hn::ShiftLeft<4 - kAt>(bits), mask);
  } else {
    return hn::And(hn::ShiftRight<kAt - 4>(bits), mask);
  }
}

// q = code - offset of the inputs 2j and 2j + 1.
template <int kOffset>
HWY_INLINE void StorePair(ByteVector low, ByteVector high, int8_t* q) {
  const ByteTag d;
  const ByteVector offset = hn::Set(d, kOffset);
  auto* to = reinterpret_cast<uint8_t*>(q);
  hn::StoreU(hn::Sub(low, offset), d, to);
  hn::StoreU(hn::Sub(high, offset), d, to + kPanelOutputs);
}

// As many inputs as a row of upper bits has: 8 / (bits - 4), or 2.
template <int kBits, int kOffset, int kPair>
HWY_INLINE void UnpackPair(const uint8_t* halves, ByteVector upper, int8_t* q) {
  const ByteTag d;
  const ByteVector pair = hn::LoadU(d, halves + kPair * kPanelOutputs);
  ByteVector low = hn::And(pair, hn::Set(d, 15));
  ByteVector high = hn::ShiftRight<4>(pair);
  if constexpr (kBits > 4) {
    low = hn::Or(low, UpperBits<kBits - 4, 2 * kPair>(upper));
    high = hn::Or(high, UpperBits<kBits - 4, 2 * kPair + 1>(upper));
  }
  StorePair<kOffset>(low, high, q + 2 * kPair * kPanelOutputs);
}

// q[group][64] from a group's codes of less than 8 bits.
template <DType kDType>
HWY_INLINE void UnpackCodes(const uint8_t* codes, int8_t* q) {
  constexpr BlockLayout kLayout = LayoutOf(kDType);
  constexpr int kBits = kLayout.bits, kOffset = kLayout.offset;
  constexpr int kStep = kBits == 4 ? 2 : 8 / (kBits - 4);
  const ByteTag d;
  for (size_t o = 0; o < kPanelOutputs; o += hn::Lanes(d)) {
    const uint8_t* halves = codes + o;
    const uint8_t* upper = halves + kLayout.group / 2 * kPanelOutputs;
    for (int i = 0; i < kLayout.group; i += kStep) {
      ByteVector bits = hn::Zero(d);
      if constexpr (kBits > 4) bits = hn::LoadU(d, upper);
      int8_t* to = q + o + i * kPanelOutputs;
      UnpackPair<kBits, kOffset, 0>(halves, bits, to);
      if constexpr (kStep >= 4) {
        UnpackPair<kBits, kOffset, 1>(halves, bits, to);
      }
      if constexpr (kStep >= 8) {
        UnpackPair<kBits, kOffset, 2>(halves, bits, to);
        UnpackPair<kBits, kOffset, 3>(halves, bits, to);
      }
      halves += kStep / 2 * kPanelOutputs;
      upper += kPanelOutputs;
    }
  }
}

// w[inputs][64] = fma(scale, q, offset), for the group whose scales and codes
// are at `group`, in the block column at `block`.
template <DType kDType>
HWY_INLINE void DequantizeGroup(const uint8_t* block, const uint8_t* group,
                                float* w) {
  constexpr BlockLayout kLayout = LayoutOf(kDType);
  const FloatTag d;
  HWY_ALIGN int8_t unpacked[kLayout.group * kPanelOutputs];
  const uint8_t* codes = group + kLayout.ScaleBytes();
  const auto* q = reinterpret_cast<const int8_t*>(codes);
  if constexpr (kLayout.bits < 8) {
    UnpackCodes<kDType>(codes, unpacked);
    q = unpacked;
  }
  for (size_t o = 0; o < kPanelOutputs; o += kLanesOfVector) {
    FloatVector scale = WidenHalves(block + 2 * o);
    FloatVector offset = hn::Set(d, -0.0f);
    if constexpr (kLayout.has_min) {
      offset = hn::Neg(WidenHalves(block + 2 * (kPanelOutputs + o)));
    }
    if constexpr (kLayout.groups > 1) {
      const auto* scales = reinterpret_cast<const int8_t*>(group) + o;
      scale = hn::Mul(scale, WidenBytes(scales));
      if constexpr (kLayout.has_min) {
        offset = hn::Mul(offset, WidenBytes(scales + kPanelOutputs));
      }
    }
    for (int i = 0; i < kLayout.group; ++i) {
      const FloatVector code = WidenBytes(q + i * kPanelOutputs + o);
      hn::StoreU(kLayout.has_min ? hn::MulAdd(code, scale, offset)
                                 : hn::Mul(code, scale),
                 d, w + i * kPanelOutputs + o);
    }
  }
}

// w[end - begin][64]: the inputs begin .. end-1 of a panel, whole groups.
template <DType kDType>
HWY_NOINLINE void DequantizeInputs(const uint8_t* panel, int begin, int end,
                                   float* w) {
  constexpr BlockLayout kLayout = LayoutOf(kDType);
  constexpr int kBlockGroups = kLayout.groups;
  for (int g = begin / kLayout.group; g < end / kLayout.group; ++g) {
    const uint8_t* block =
        panel + size_t{1} * (g / kBlockGroups) * kLayout.BlockBytes();
    const uint8_t* group =
        block + kLayout.HeaderBytes() + g % kBlockGroups * kLayout.GroupBytes();
    for (int line = 0; line < kLayout.GroupBytes(); line += 64) {
      hwy::Prefetch(group + kBlockPrefetchBytes + line);
    }
    DequantizeGroup<kDType>(block, group, w);
    w += kLayout.group * kPanelOutputs;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#endif  // OXBOW_KERNELS_CPU_BLOCK_TILE_INL_H_
