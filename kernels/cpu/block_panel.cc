#include "kernels/cpu/block_panel.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernels/blocks.h"

namespace oxbow {
namespace {

// One output's codes of a group into their bytes, the first of which is `lane`.
void PackCodes(const BlockLayout& layout, const int8_t* q, uint8_t* lane) {
  uint8_t* high = lane + layout.Pairs() / 2 * kRowCodes;
  const int high_bits = layout.bits - 4;
  for (int i = 0; i < layout.group; ++i) {
    const int pair = i / 2, side = i % 2;
    const int code = q[i] + layout.offset;
    if (layout.bits == 8) {
      lane[pair * kRowCodes + side] = static_cast<uint8_t>(code);
      continue;
    }
    lane[pair / 2 * kRowCodes + side] |= (code & 15) << pair % 2 * 4;
    if (high_bits == 0) continue;
    const int at = pair * high_bits;
    high[at / 8 * kRowCodes + side] |= (code >> 4) << at % 8;
  }
}

// One output's block into its lane of the block column at `to`.
void PackBlock(const BlockLayout& layout, const BlockParts& parts, int lane,
               uint8_t* to) {
  std::memcpy(to + lane * 2, &parts.d, 2);
  if (layout.has_min) {
    std::memcpy(to + (kPanelOutputs + lane) * 2, &parts.dmin, 2);
  }
  to += layout.HeaderBytes();
  for (int g = 0; g < layout.groups; ++g) {
    if (layout.groups > 1) {
      to[lane] = static_cast<uint8_t>(parts.scale[g]);
      if (layout.has_min) {
        to[kPanelOutputs + lane] = static_cast<uint8_t>(parts.min[g]);
      }
    }
    PackCodes(layout, parts.q + g * layout.group,
              to + layout.ScaleBytes() + 2 * lane);
    to += layout.GroupBytes();
  }
}

}  // namespace

size_t BlockPanelBytes(DType dtype, int inputs) {
  return size_t{1} * inputs / NumbersPerBlock(dtype) *
         LayoutOf(dtype).BlockBytes();
}

void PackBlockPanel(const HostMatrix& from, int first, void* packed) {
  const BlockLayout layout = LayoutOf(from.dtype);
  const int count = std::min(kPanelOutputs, from.rows - first);
  const int blocks = from.columns / NumbersPerBlock(from.dtype);
  const auto* block = static_cast<const uint8_t*>(from.data) +
                      BytesOf(from.dtype, int64_t{1} * first * from.columns);
  BlockParts parts;
  for (int o = 0; o < count; ++o) {
    auto* to = static_cast<uint8_t*>(packed);
    for (int b = 0; b < blocks; ++b) {
      ReadBlock(block, from.dtype, &parts);
      PackBlock(layout, parts, o, to);
      block += BytesPerBlock(from.dtype);
      to += layout.BlockBytes();
    }
  }
}

}  // namespace oxbow
