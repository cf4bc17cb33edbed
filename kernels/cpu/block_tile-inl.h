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

// Rows of signed bytes [group][64] from a group's codes of less than 8 bits.
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

// Where a group's scales and codes are, and its block's.
struct Group {
  const uint8_t* block;
  const uint8_t* group;
};

// What 16 outputs, or 8 of them, make of their codes: register v of four has
// the outputs from 16 v + `lane` on.
struct Scales {
  FloatVector scale[4];
  FloatVector offset[4];
};

// 2^-24: codes are converted at the top of a dword.
constexpr float kCodeUnit = 1.0f / 16777216.0f;

template <DType kDType>
HWY_INLINE Scales LoadScales(const Group& at, int lane) {
  constexpr BlockLayout kLayout = LayoutOf(kDType);
  const auto* scales = reinterpret_cast<const int8_t*>(at.group);
  Scales z;
  OXBOW_UNROLL
  for (int v = 0; v < 4; ++v) {
    const int o = 16 * v + lane;
    z.scale[v] =
        hn::Mul(WidenHalves(at.block + 2 * o), hn::Set(FloatTag(), kCodeUnit));
    z.offset[v] = hn::Zero(FloatTag());
    if constexpr (kLayout.has_min) {
      z.offset[v] = hn::Neg(WidenHalves(at.block + 2 * (kPanelOutputs + o)));
    }
    if constexpr (kLayout.groups > 1) {
      z.scale[v] = hn::Mul(z.scale[v], WidenBytes(scales + o));
      if constexpr (kLayout.has_min) {
        z.offset[v] =
            hn::Mul(z.offset[v], WidenBytes(scales + kPanelOutputs + o));
      }
    }
  }
  return z;
}

// w[v] = the fp32 weights of one input, from its row of codes.
template <DType kDType>
HWY_INLINE void LoadWeights(const int8_t* row, int lane, const Scales& scales,
                            FloatVector (&w)[4]) {
  const hn::Rebind<int32_t, FloatTag> d;
  const auto codes = hn::LoadU(d, reinterpret_cast<const int32_t*>(row) + lane);
  const auto top = hn::Set(d, static_cast<int32_t>(0xff000000u));
  w[0] = hn::ConvertTo(FloatTag(), hn::ShiftLeft<24>(codes));
  w[1] = hn::ConvertTo(FloatTag(), hn::And(hn::ShiftLeft<16>(codes), top));
  w[2] = hn::ConvertTo(FloatTag(), hn::And(hn::ShiftLeft<8>(codes), top));
  w[3] = hn::ConvertTo(FloatTag(), hn::And(codes, top));
  OXBOW_UNROLL
  for (int v = 0; v < 4; ++v) {
    w[v] = LayoutOf(kDType).has_min
               ? hn::MulAdd(w[v], scales.scale[v], scales.offset[v])
               : hn::Mul(w[v], scales.scale[v]);
  }
}

// A group's rows of codes [group][64], in `room` if they have to be unpacked.
template <DType kDType>
HWY_INLINE const int8_t* CodesOf(const Group& at, int8_t* room) {
  constexpr BlockLayout kLayout = LayoutOf(kDType);
  const uint8_t* codes = at.group + kLayout.ScaleBytes();
  if constexpr (kLayout.bits == 8)
    return reinterpret_cast<const int8_t*>(codes);
  UnpackCodes<kDType>(codes, room);
  return room;
}

// Calls work(group) for the groups of a panel that hold the inputs begin ..
// end-1, in order.
template <DType kDType, class Work>
HWY_INLINE void ForGroups(const uint8_t* panel, int begin, int end,
                          const Work& work) {
  constexpr BlockLayout kLayout = LayoutOf(kDType);
  for (int g = begin / kLayout.group; g < end / kLayout.group; ++g) {
    const uint8_t* block =
        panel + size_t{1} * (g / kLayout.groups) * kLayout.BlockBytes();
    work(Group{block, block + kLayout.HeaderBytes() +
                          g % kLayout.groups * kLayout.GroupBytes()});
  }
}

// w[end - begin][64]: the inputs begin .. end-1 of a panel, whole groups.
template <DType kDType>
HWY_NOINLINE void DequantizeInputs(const uint8_t* panel, int begin, int end,
                                   float* w) {
  constexpr int kGroup = LayoutOf(kDType).group;
  HWY_ALIGN int8_t room[kGroup * kPanelOutputs];
  ForGroups<kDType>(panel, begin, end, [&](const Group& at) HWY_ATTR {
    const int8_t* q = CodesOf<kDType>(at, room);
    for (int lane = 0; lane < 16; lane += kLanesOfVector) {
      const Scales scales = LoadScales<kDType>(at, lane);
      const uint8_t* ahead = at.group + kBlockPrefetchBytes;
      for (int i = 0; i < kGroup; ++i) {
        hwy::Prefetch(ahead);
        ahead += LayoutOf(kDType).GroupBytes() / kGroup;
        FloatVector weights[4];
        LoadWeights<kDType>(q + i * kPanelOutputs, lane, scales, weights);
        OXBOW_UNROLL
        for (int v = 0; v < 4; ++v) {
          hn::StoreU(weights[v], FloatTag(),
                     w + i * kPanelOutputs + 16 * v + lane);
        }
      }
    }
    w += kGroup * kPanelOutputs;
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#endif  // OXBOW_KERNELS_CPU_BLOCK_TILE_INL_H_
