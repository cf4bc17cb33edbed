#include <utility>

#include "base/check.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/testing/gpu_ops.h"

namespace oxbow {

std::unique_ptr<Ops> NewGpuOps() {
  auto ops = CudaOps::Create(/*device=*/0);
  OXBOW_CHECK_OK(ops.status());
  return *std::move(ops);
}

}  // namespace oxbow
