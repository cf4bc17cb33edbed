// Weights as files hold them, plain or in GGML's blocks, made fp32.
//
// A block holds 32 or 256 neighbours of a row. Its layout, after ggml's
// ggml-common.h and ggml-quants.c; halves are fp16, all little-endian:
//
//   q8_0   d; int8 q[32]                                   w = d * q
//   q4_0   d; 16 bytes: q[i] low, q[i+16] high             w = d * (q - 8)
//   q4_1   d, m; as q4_0                                   w = d * q + m
//   q5_0   d; 32 bits: bit 4 of q[i]; as q4_0              w = d * (q - 16)
//   q5_1   d, m; 32 bits; as q4_0                          w = d * q + m
//   q4_K   d, dmin; 12 bytes: 6 bits each of scale and min of 8 groups of 32;
//          128 bytes: 32 of them hold one group low, the next one high
//                                       w = (d * scale) * q - (dmin * min)
//   q5_K   as q4_K, with 32 bytes before the 128: bit g of the i-th is bit 4
//          of q[i] of group g
//   q6_K   128 bytes of low halves, 64 bytes of two more bits, int8 scales of
//          16 groups of 16, d              w = (d * scale) * (q - 32)
//
// Every product above is exact in fp32, so only the last addition rounds, and
// all formats are one formula: w = fma(scale, q, offset).
#ifndef OXBOW_KERNELS_BLOCKS_H_
#define OXBOW_KERNELS_BLOCKS_H_

#include <cstdint>

#include "kernels/tensor.h"

namespace oxbow {

constexpr int kBlockNumbersMax = 256;
constexpr int kBlockGroupsMax = 16;

// The fp32 number of fp16 bits.
float WidenHalf(uint16_t bits);
// The fp16 bits nearest to a finite number, to even between two; past the
// largest, the largest.
uint16_t NarrowToHalf(float number);

// A block taken apart. Group g has the NumbersPerGroup numbers i with
//   w[i] = fma(d * scale[g], q[i], -(dmin * min[g]))
// Formats without groups are one group of scale 1; those without a minimum
// have min 0, so that the sum changes nothing, not even the sign of a zero.
struct BlockParts {
  uint16_t d = 0;     // fp16
  uint16_t dmin = 0;  // fp16
  int8_t scale[kBlockGroupsMax];
  int8_t min[kBlockGroupsMax];
  int8_t q[kBlockNumbersMax];
};

// 32, or 16 for q6_K. `dtype` is a block format, here and below.
int NumbersPerGroup(DType dtype);
// Whether min[] may be other than 0.
bool HasMin(DType dtype);

void ReadBlock(const void* block, DType dtype, BlockParts* parts);

// to[0..count-1] = the numbers at `from`, of any dtype, whole blocks of them.
void Dequantize(float* to, const void* from, DType dtype, int64_t count);

// False if any of the numbers, of any dtype, is NaN or infinite. A block's
// numbers are if and only if a scale of it is.
bool AllFinite(const void* from, DType dtype, int64_t count);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_BLOCKS_H_
