// The matrix product with weights in blocks on the GPU: the bits of
// kernels/cpu/block_product.h.
#ifndef OXBOW_KERNELS_CUDA_BLOCK_PRODUCT_H_
#define OXBOW_KERNELS_CUDA_BLOCK_PRODUCT_H_

#include <cstdint>
#include <vector>

#include "kernels/cuda/device.h"
#include "kernels/ops.h"

namespace oxbow {

// A matrix in blocks as the device holds it, all formats alike: a byte for
// each code, and fp32 scales and minimums of each group of inputs. 4-bit
// weights take 1.25 bytes: they are here to be right, not to be small.
//
//   int8 codes[outputs, inputs]; float scales[outputs, groups];
//   float mins[outputs, groups], in formats that have one
std::vector<char> PackBlocks(const HostMatrix& from);

// Rows as 16-bit integers with a unit to each 32 of them, as
// kernels/cpu/short_rows.h has them; on the device.
struct GpuShortRows {
  int16_t* data = nullptr;  // [count, width]
  float* units = nullptr;   // [count, width / 32]
  int32_t* sums = nullptr;  // [count, width / 32]
};

// Bytes of the above for `count` rows, and where its parts are in them.
int64_t ShortRowsBytes(int count, int width);
GpuShortRows ShortRowsAt(void* room, int count, int width);

void ShortenOnGpu(Rows x, const GpuShortRows& to, cudaStream_t stream);

// Product of ops.h with weights of PackBlocks; `x` are its product.x.
void MultiplyBlocksOnGpu(const Product& product, const GpuShortRows& x,
                         cudaStream_t stream);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CUDA_BLOCK_PRODUCT_H_
