// The door of the library that kernels/open_cuda_ops.cc opens.
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/ops.h"

// Puts CudaOps::Create() into `made`. Both sides are built together: only the
// name is C's.
extern "C" void OxbowMakeCudaOps(
    int device, oxbow::Numerics numerics,
    absl::StatusOr<std::unique_ptr<oxbow::Ops>>* made) {
  auto ops = oxbow::CudaOps::Create(device, numerics);
  if (ops.ok()) {
    *made = *std::move(ops);
  } else {
    *made = ops.status();
  }
}
