// What every product does with its sums.
#ifndef OXBOW_KERNELS_CUDA_FINISH_H_
#define OXBOW_KERNELS_CUDA_FINISH_H_

#include "kernels/cuda/math.h"

namespace oxbow {

// Hands a sum on to y, if y has such a row and output: activation, then store
// or add.
__device__ inline void Finish(const Product& product, int row, int output,
                              float sum) {
  if (row >= product.y.count || output >= product.w.outputs) return;
  float* y = RowOf(product.y, row) + output;
  const float z = Activate(sum, product.activation);
  *y = product.add ? *y + z : z;
}

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CUDA_FINISH_H_
