#include "engine/model/load_model.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/model/make_model.h"
#include "engine/weights/open_catalog.h"
#include "engine/weights/tensor_catalog.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/usable_cores.h"
#include "kernels/open_cuda_ops.h"

namespace oxbow {
namespace {

absl::StatusOr<std::unique_ptr<Ops>> MakeOps(const LoadModelOptions& options) {
  if (options.gpu.has_value()) {
    return OpenCudaOps(*options.gpu, options.numerics);
  }
  if (options.pool != nullptr) {
    return CpuOps::Create(options.pool, options.numerics);
  }
  return CpuOps::Create(options.threads, options.numerics);
}

int LoadThreads(const LoadModelOptions& options) {
  if (options.pool != nullptr) return options.pool->threads();
  return options.threads > 0 ? options.threads : UsableCores();
}

absl::StatusOr<std::unique_ptr<Model>> Load(const std::string& path,
                                            const LoadModelOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<Ops> ops, MakeOps(options));
  const int threads = LoadThreads(options);
  ASSIGN_OR_RETURN(TensorCatalog catalog,
                   OpenCatalog(path, options.part, options.adapters, threads));
  MakeModelOptions make_options;
  make_options.slots_max = options.slots_max;
  make_options.on_progress = options.on_progress;
  make_options.precision = options.precision;
  make_options.load_threads = threads;
  for (const AdapterFile& adapter : options.adapters) {
    make_options.adapters.push_back(NameOf(adapter));
  }
  return MakeModel(std::move(catalog), std::move(ops), make_options);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> LoadModel(
    const std::string& path, const LoadModelOptions& options) {
  absl::StatusOr<std::unique_ptr<Model>> model = Load(path, options);
  if (model.ok() || absl::StrContains(model.status().message(), path)) {
    return model;
  }
  return absl::Status(model.status().code(),
                      absl::StrCat(path, ": ", model.status().message()));
}

}  // namespace oxbow
