// The recurrences of RWKV-4 to RWKV-7 on the GPU, row after row.
#ifndef OXBOW_KERNELS_CUDA_WKV_H_
#define OXBOW_KERNELS_CUDA_WKV_H_

#include "kernels/cuda/device.h"
#include "kernels/cuda/device_sequences.h"
#include "kernels/ops.h"

namespace oxbow {

// Wkv4, Wkv6 and Wkv7 of ops.h. A thread has a channel; those of a head are a
// block, which keeps the head's state in its registers from the first row to
// the last.
void Wkv4OnGpu(const Wkv4Args& args, const DeviceSequences& sequences,
               int64_t offset, cudaStream_t stream);
void Wkv6OnGpu(const Wkv6Args& args, const DeviceSequences& sequences,
               int64_t offset, cudaStream_t stream);
void Wkv7OnGpu(const Wkv7Args& args, const DeviceSequences& sequences,
               int64_t offset, cudaStream_t stream);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CUDA_WKV_H_
