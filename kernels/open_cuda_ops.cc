#include "kernels/open_cuda_ops.h"

#include <dlfcn.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

using MakeCudaOps = void (*)(int device, Numerics numerics,
                             absl::StatusOr<std::unique_ptr<Ops>>* made);

absl::StatusOr<std::filesystem::path> LibraryPath() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto path = program.parent_path() / "liboxbow_cuda.so";
  if (error || !std::filesystem::exists(path, error)) {
    return absl::UnavailableError(absl::StrCat(
        "there is no ", path.string(),
        ", without which no GPU can be used; run on the CPU with --device=cpu, "
        "or build the library (docs/gpu.md)"));
  }
  return path;
}

absl::StatusOr<MakeCudaOps> FindMaker() {
  ASSIGN_OR_RETURN(const auto path, LibraryPath());
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* maker =
      library != nullptr ? dlsym(library, "OxbowMakeCudaOps") : nullptr;
  if (maker == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("the CUDA library cannot be loaded: ", dlerror()));
  }
  return reinterpret_cast<MakeCudaOps>(maker);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Ops>> OpenCudaOps(int device,
                                                 Numerics numerics) {
  ASSIGN_OR_RETURN(const MakeCudaOps make, FindMaker());
  absl::StatusOr<std::unique_ptr<Ops>> ops = nullptr;
  make(device, numerics, &ops);
  return ops;
}

}  // namespace oxbow
