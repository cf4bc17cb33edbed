// A GPU for tests: a real one, or the CPU in CUDA's launch model, on which the
// target decides that links real_gpu_ops or model_gpu_ops.
#ifndef OXBOW_KERNELS_TESTING_GPU_OPS_H_
#define OXBOW_KERNELS_TESTING_GPU_OPS_H_

#include <memory>

#include "kernels/ops.h"

namespace oxbow {

// Ends the test program if there is none: a test of the GPU without one is no
// test.
std::unique_ptr<Ops> NewGpuOps();

}  // namespace oxbow

#endif  // OXBOW_KERNELS_TESTING_GPU_OPS_H_
