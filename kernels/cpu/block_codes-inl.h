// The codes and scales of a block column of a panel (block_panel.h), in
// registers whose lanes run over outputs. Included once per Highway target.
#if defined(OXBOW_KERNELS_CPU_BLOCK_CODES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OXBOW_KERNELS_CPU_BLOCK_CODES_INL_H_
#undef OXBOW_KERNELS_CPU_BLOCK_CODES_INL_H_
#else
#define OXBOW_KERNELS_CPU_BLOCK_CODES_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "kernels/cpu/block_panel.h"
#include "kernels/cpu/lanes-inl.h"

// Pairs need registers; CpuOps refuses machines without.
#if HWY_TARGET != HWY_SCALAR

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

using ByteTag = hn::CappedTag<uint8_t, kPanelOutputs>;
using ByteVector = hn::Vec<ByteTag>;
// Pairs of codes, as many as floats.
using PairTag = hn::RepartitionToNarrow<hn::RebindToSigned<FloatTag>>;
using PairVector = hn::Vec<PairTag>;

// Codes of eight bits: a row is one pair.
struct ByteCodes {
  static constexpr int kPairs = 1;
  static HWY_INLINE PairVector Get(const uint8_t* row, int /*pair*/) {
    const hn::Rebind<int8_t, PairTag> bytes;
    return hn::PromoteTo(
        PairTag(), hn::LoadU(bytes, reinterpret_cast<const int8_t*>(row)));
  }
};

// Codes of four bits, not signed: a row is two pairs.
struct NibbleCodes {
  static constexpr int kPairs = 2;
  static HWY_INLINE PairVector Get(const uint8_t* row, int pair) {
    const hn::Rebind<uint8_t, PairTag> bytes;
    const hn::RebindToUnsigned<PairTag> words;
    const auto both = hn::PromoteTo(words, hn::LoadU(bytes, row));
    return hn::BitCast(PairTag(), pair == 0 ? hn::And(both, hn::Set(words, 15))
                                            : hn::ShiftRight<4>(both));
  }
};

// The bits of pair kPair of a row of upper bits, kBits a code, where they
// belong in a code: from bit 4 on.
template <int kBits, int kPair>
HWY_INLINE ByteVector UpperBits(ByteVector bits) {
  constexpr int kAt = kPair * kBits;
  const ByteVector mask = hn::Set(ByteTag(), ((1 << kBits) - 1) << 4);
  if constexpr (kAt <= 4) {
    return hn::And(hn::ShiftLeft<4 - kAt>(bits), mask);
  } else {
    return hn::And(hn::ShiftRight<kAt - 4>(bits), mask);
  }
}

// The pairs kPair and kPair + 1 of a row of upper bits, made signed bytes.
template <int kBits, int kOffset, int kPair>
HWY_INLINE void UnpackPairs(const uint8_t* halves, ByteVector upper,
                            uint8_t* q) {
  const ByteTag d;
  const ByteVector both = hn::LoadU(d, halves + kPair / 2 * kRowCodes);
  ByteVector first = hn::And(both, hn::Set(d, 15));
  ByteVector second = hn::ShiftRight<4>(both);
  if constexpr (kBits > 4) {
    first = hn::Or(first, UpperBits<kBits - 4, kPair>(upper));
    second = hn::Or(second, UpperBits<kBits - 4, kPair + 1>(upper));
  }
  const ByteVector offset = hn::Set(d, kOffset);
  hn::StoreU(hn::Sub(first, offset), d, q + kPair * kRowCodes);
  hn::StoreU(hn::Sub(second, offset), d, q + (kPair + 1) * kRowCodes);
}

// Rows of signed codes of 8 bits from a group's codes of less.
template <DType kDType>
HWY_INLINE void UnpackCodes(const uint8_t* codes, uint8_t* q) {
  constexpr BlockLayout kLayout = LayoutOf(kDType);
  constexpr int kBits = kLayout.bits, kOffset = kLayout.offset;
  // Pairs of a row of upper bits.
  constexpr int kStep = kBits == 4 ? 2 : 8 / (kBits - 4);
  const ByteTag d;
  for (size_t o = 0; o < kRowCodes; o += hn::Lanes(d)) {
    const uint8_t* halves = codes + o;
    const uint8_t* upper = halves + kLayout.Pairs() / 2 * kRowCodes;
    for (int pair = 0; pair < kLayout.Pairs(); pair += kStep) {
      ByteVector bits = hn::Zero(d);
      if constexpr (kBits > 4) bits = hn::LoadU(d, upper);
      uint8_t* to = q + o + pair * kRowCodes;
      UnpackPairs<kBits, kOffset, 0>(halves, bits, to);
      if constexpr (kStep >= 4) {
        UnpackPairs<kBits, kOffset, 2>(halves, bits, to);
      }
      if constexpr (kStep >= 8) {
        UnpackPairs<kBits, kOffset, 4>(halves, bits, to);
        UnpackPairs<kBits, kOffset, 6>(halves, bits, to);
      }
      halves += kStep / 2 * kRowCodes;
      upper += kRowCodes;
    }
  }
}

// Where a group's scales and codes are, and its block's.
struct Group {
  const uint8_t* block;
  const uint8_t* group;
};

template <DType kDType>
HWY_INLINE Group GroupAt(const uint8_t* panel, int g) {
  constexpr BlockLayout kLayout = LayoutOf(kDType);
  const uint8_t* block =
      panel + size_t{1} * (g / kLayout.groups) * kLayout.BlockBytes();
  return {block, block + kLayout.HeaderBytes() +
                     g % kLayout.groups * kLayout.GroupBytes()};
}

HWY_INLINE FloatVector WidenHalves(const uint8_t* from) {
  const hn::Rebind<hwy::float16_t, FloatTag> halves;
  return hn::PromoteTo(
      FloatTag(),
      hn::LoadU(halves, reinterpret_cast<const hwy::float16_t*>(from)));
}

HWY_INLINE FloatVector WidenBytes(const uint8_t* from) {
  const hn::Rebind<int32_t, FloatTag> dwords;
  const hn::Rebind<int8_t, FloatTag> bytes;
  return hn::ConvertTo(
      FloatTag(),
      hn::PromoteTo(dwords,
                    hn::LoadU(bytes, reinterpret_cast<const int8_t*>(from))));
}

// What a group's sums are multiplied by, for the outputs from `output` on.
template <DType kDType>
HWY_INLINE FloatVector LoadScale(const Group& at, int output) {
  const FloatVector d = WidenHalves(at.block + 2 * output);
  if constexpr (LayoutOf(kDType).groups == 1) return d;
  return hn::Mul(d, WidenBytes(at.group + output));
}

// And what the sum of the activations is multiplied by, if has_min.
template <DType kDType>
HWY_INLINE FloatVector LoadMin(const Group& at, int output) {
  const FloatVector d = WidenHalves(at.block + 2 * (kPanelOutputs + output));
  if constexpr (LayoutOf(kDType).groups == 1) return d;
  return hn::Mul(d, WidenBytes(at.group + kPanelOutputs + output));
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET != HWY_SCALAR

#endif  // OXBOW_KERNELS_CPU_BLOCK_CODES_INL_H_
