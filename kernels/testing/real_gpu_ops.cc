#include <utility>

#include "base/check.h"
#include "kernels/open_cuda_ops.h"
#include "kernels/testing/gpu_ops.h"

namespace oxbow {

std::unique_ptr<Ops> NewGpuOps() {
  auto ops = OpenCudaOps(/*device=*/0, Numerics::kExact);
  OXBOW_CHECK_OK(ops.status());
  return *std::move(ops);
}

}  // namespace oxbow
