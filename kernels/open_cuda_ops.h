// The ops on a GPU, from a library that is opened when they are wanted: the
// same programs run where there is neither GPU nor CUDA.
#ifndef OXBOW_KERNELS_OPEN_CUDA_OPS_H_
#define OXBOW_KERNELS_OPEN_CUDA_OPS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "kernels/ops.h"

namespace oxbow {

// CudaOps (kernels/cuda/cuda_ops.h) on device number `device`, as CUDA counts.
// The library liboxbow_cuda.so is looked for beside the program; it stays
// open. Unavailable, in one sentence: there is no such library, it cannot be
// loaded, there is no driver, it is too old, there is no such device.
absl::StatusOr<std::unique_ptr<Ops>> OpenCudaOps(int device, Numerics numerics);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_OPEN_CUDA_OPS_H_
