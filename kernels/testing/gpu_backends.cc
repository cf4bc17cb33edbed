// A GPU, and beside it the CPU whose bits it must give.
#include "base/check.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/testing/backend.h"
#include "kernels/testing/gpu_ops.h"

namespace oxbow {

std::vector<std::string> BackendNames() { return {"Gpu", "Cpu"}; }

std::unique_ptr<Backend> NewBackend(const std::string& name) {
  if (name == "Gpu") return std::make_unique<OwnedBackend>(NewGpuOps());
  OXBOW_CHECK(name == "Cpu") << name;
  return std::make_unique<OwnedBackend>(*CpuOps::Create(/*threads=*/1));
}

}  // namespace oxbow
