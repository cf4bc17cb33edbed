// From files to the tensors of a model.
#ifndef OXBOW_ENGINE_WEIGHTS_OPEN_CATALOG_H_
#define OXBOW_ENGINE_WEIGHTS_OPEN_CATALOG_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/weights/adapter_file.h"
#include "engine/weights/model_part.h"
#include "engine/weights/tensor_catalog.h"

namespace oxbow {

// That part of the model at `path`, with adapters merged into it in their
// order. Errors as OpenTensors, TensorCatalog::Make and MergedTensors::Make.
// Merging uses `threads`.
absl::StatusOr<TensorCatalog> OpenCatalog(
    const std::string& path, ModelPart part,
    absl::Span<const AdapterFile> adapters, int threads);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_OPEN_CATALOG_H_
