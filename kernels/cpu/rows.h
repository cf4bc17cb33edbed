// Row by row work on the CPU: LayerNorm and the mix with the row before.
#ifndef OXBOW_KERNELS_CPU_ROWS_H_
#define OXBOW_KERNELS_CPU_ROWS_H_

#include "absl/types/span.h"
#include "kernels/ops.h"
#include "kernels/tensor.h"

namespace oxbow {

// y = Norm(x) of one row, as in ops.h.
void NormRow(float* y, const float* x, Vector scale, Vector bias, float eps);

// mixes[i].y.row(n) = fma(prev - x, mixes[i].amount + .more, x) for x.row(n).
void MixRow(absl::Span<const Mix> mixes, Rows x, int n, const float* prev);

// x = fma(gate, y, x).
void AddGatedRow(float* x, const float* gate, const float* y, int width);

// to[0..width-1] = the numbers at `from`, widened.
void WidenRow(float* to, const void* from, DType dtype, int width);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_ROWS_H_
