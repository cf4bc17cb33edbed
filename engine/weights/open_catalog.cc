#include "engine/weights/open_catalog.h"

#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "engine/weights/merged_tensors.h"
#include "engine/weights/open_tensors.h"

namespace oxbow {

absl::StatusOr<TensorCatalog> OpenCatalog(
    const std::string& path, ModelPart part,
    absl::Span<const AdapterFile> adapters, int threads) {
  ASSIGN_OR_RETURN(std::unique_ptr<TensorSource> source, OpenTensors(path));
  ASSIGN_OR_RETURN(TensorCatalog base,
                   TensorCatalog::Make(SelectPart(std::move(source), part)));
  if (adapters.empty()) return base;
  ASSIGN_OR_RETURN(source,
                   MergedTensors::Make(std::move(base), adapters, threads));
  return TensorCatalog::Make(std::move(source));
}

}  // namespace oxbow
