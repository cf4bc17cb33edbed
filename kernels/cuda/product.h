// The exact matrix product on the GPU: the bits of the CPU's.
//
// Each output has one accumulator that takes the inputs in ascending order, as
// ops.h says. The order costs nothing where there are many rows: a tile of
// outputs is a tile of accumulators. With few rows outputs wait for their own
// sums; blocks of few outputs, each with all of a multiprocessor's threads
// reading weights for it, hide what can be hidden.
#ifndef OXBOW_KERNELS_CUDA_PRODUCT_H_
#define OXBOW_KERNELS_CUDA_PRODUCT_H_

#include "kernels/cuda/device.h"
#include "kernels/ops.h"

namespace oxbow {

// Product of ops.h with plain weights, packed as w[outputs, inputs] row by row.
void MultiplyOnGpu(const Product& product, cudaStream_t stream);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CUDA_PRODUCT_H_
