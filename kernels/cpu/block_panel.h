// Panels of a matrix in GGML's blocks: the same bits in another order, so that
// the lanes of a register run over outputs, as in every panel.
#ifndef OXBOW_KERNELS_CPU_BLOCK_PANEL_H_
#define OXBOW_KERNELS_CPU_BLOCK_PANEL_H_

#include <cstddef>

#include "kernels/tensor.h"

namespace oxbow {

constexpr int kPanelOutputs = 64;

// Codes side by side in a row: those of two neighbouring inputs for each of 64
// outputs, for sums are made of pairs of products.
constexpr int kRowCodes = 2 * kPanelOutputs;

// A panel is one stream, block column after block column:
//   64 x fp16 d; 64 x fp16 dmin if has_min;
//   for each group of inputs, if there are several:
//     64 x int8 scale; 64 x int8 min if has_min;
//   and its codes in rows of 128 bytes, where byte 2 o + i is of output o and
//   of input i of a pair:
//     8 bits: a row a pair, of signed codes;
//     less: of q + offset, a row for two pairs, the first low, then the fifth
//     bits, a row for 8 pairs, or the fifth and sixth, a row for 4 pairs, the
//     first pair lowest.
// Only q4_K and q5_K grow: 12 bytes of 6-bit scales become 16 (3 %).
struct BlockLayout {
  int bits;
  int offset;
  bool has_min;
  int group;   // inputs
  int groups;  // of a block

  constexpr int HeaderBytes() const {
    return kPanelOutputs * 2 * (has_min ? 2 : 1);
  }
  constexpr int ScaleBytes() const {
    return groups == 1 ? 0 : kPanelOutputs * (has_min ? 2 : 1);
  }
  constexpr int Pairs() const { return group / 2; }
  constexpr int GroupBytes() const {
    return ScaleBytes() + kRowCodes * Pairs() * bits / 8;
  }
  constexpr int BlockBytes() const {
    return HeaderBytes() + groups * GroupBytes();
  }
};

// `dtype` is a block format, here and below.
constexpr BlockLayout LayoutOf(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
      return {4, 8, false, 32, 1};
    case DType::kQ4_1:
      return {4, 0, true, 32, 1};
    case DType::kQ5_0:
      return {5, 16, false, 32, 1};
    case DType::kQ5_1:
      return {5, 0, true, 32, 1};
    case DType::kQ4_K:
      return {4, 0, true, 32, 8};
    case DType::kQ5_K:
      return {5, 0, true, 32, 8};
    case DType::kQ6_K:
      return {6, 32, false, 16, 16};
    default:
      return {8, 0, false, 32, 1};  // q8_0
  }
}

size_t BlockPanelBytes(DType dtype, int inputs);

// Fills the panel at `packed`, BlockPanelBytes of zeros, with the outputs
// from `first` on.
void PackBlockPanel(const HostMatrix& from, int first, void* packed);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_BLOCK_PANEL_H_
