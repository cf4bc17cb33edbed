// What the kernels are written with: CUDA, or in tests its launch model on the
// CPU.
#ifndef OXBOW_KERNELS_CUDA_DEVICE_H_
#define OXBOW_KERNELS_CUDA_DEVICE_H_

#ifdef OXBOW_LAUNCH_MODEL
#include "kernels/cuda/testing/launch_model.h"
#else
#include <cuda_runtime.h>
#endif

#include "base/check.h"

namespace oxbow {

// A failed call stops the process: a step that has begun has no way back, and
// what a lost device still does is unknown. Streams go on from their
// checkpoints when the server starts again.
inline void CheckCuda(cudaError_t error) {
  OXBOW_CHECK(error == cudaSuccess) << "CUDA: " << cudaGetErrorString(error);
}

#if defined(__CUDACC__) || defined(OXBOW_LAUNCH_MODEL)
// Calls the kernel in `grid` blocks of `block` threads, after what was put into
// the stream before.
template <class... Parameters, class... Arguments>
void Launch(void (*kernel)(Parameters...), dim3 grid, dim3 block,
            cudaStream_t stream, Arguments... arguments) {
#ifdef OXBOW_LAUNCH_MODEL
  (void)stream;
  LaunchOnCpu(grid, block, [&] { kernel(arguments...); });
#else
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.stream = stream;
  CheckCuda(cudaLaunchKernelEx(&config, kernel, arguments...));
#endif
}
#endif

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CUDA_DEVICE_H_
