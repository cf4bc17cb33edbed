// Row by row work on the GPU: LayerNorm, the mix with the row before, tables.
//
// Every function here and in the other headers of kernels puts its work into a
// stream and returns; what it is given must stay until that work is done.
#ifndef OXBOW_KERNELS_CUDA_ROWS_H_
#define OXBOW_KERNELS_CUDA_ROWS_H_

#include "absl/types/span.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/device_sequences.h"
#include "kernels/ops.h"

namespace oxbow {

// x[n] = table[tokens[n]]; the table is of plain numbers, `tokens` on the
// device.
void GatherOnGpu(Rows x, const Table& table, const int* tokens,
                 cudaStream_t stream);

void NormOnGpu(Rows y, Rows x, Vector scale, Vector bias, float eps,
               cudaStream_t stream);

// PeekMix of ops.h.
void MixOnGpu(absl::Span<const Mix> mixes, Rows x,
              const DeviceSequences& sequences, int64_t offset,
              cudaStream_t stream);
// states[b][offset ..] = the last row of sequence b.
void KeepLastRowsOnGpu(Rows x, const DeviceSequences& sequences, int64_t offset,
                       cudaStream_t stream);

void AddGatedOnGpu(Rows x, Rows gate, Rows y, cudaStream_t stream);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CUDA_ROWS_H_
