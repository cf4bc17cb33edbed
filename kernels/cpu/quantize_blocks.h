// Our own quantization: fp32 weights into GGML's blocks.
#ifndef OXBOW_KERNELS_CPU_QUANTIZE_BLOCKS_H_
#define OXBOW_KERNELS_CPU_QUANTIZE_BLOCKS_H_

#include <cstdint>

#include "kernels/tensor.h"

namespace oxbow {

// `count` finite numbers, whole blocks of 32 of them, into q8_0 or q4_0. The
// bytes depend on the numbers only, not on the machine.
//
// q8_0: the largest number becomes 127 or -127; the rest is rounded.
// q4_0: of 32 scales for each block, 16 of either sign about the one that
// makes its largest number -8, the one with the least squared error once it is
// fitted to the codes it gives.
void QuantizeBlocks(void* to, const float* from, DType dtype, int64_t count);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_QUANTIZE_BLOCKS_H_
