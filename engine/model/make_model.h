// From a file's tensors to a model of its version: the one switch.
#ifndef OXBOW_ENGINE_MODEL_MAKE_MODEL_H_
#define OXBOW_ENGINE_MODEL_MAKE_MODEL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/model/model.h"
#include "engine/weights/tensor_catalog.h"
#include "engine/weights/weight_precision.h"
#include "kernels/ops.h"

namespace oxbow {

struct MakeModelOptions {
  // See LoadModelOptions.
  int slots_max = 256;
  std::function<void(int64_t done, int64_t total)> on_progress;
  WeightPrecision precision = WeightPrecision::kAsStored;
  int load_threads = 1;               // that share what loading computes
  std::vector<std::string> adapters;  // for ModelInfo
};

// A model over these ops. Errors as LoadModel.
absl::StatusOr<std::unique_ptr<Model>> MakeModel(
    TensorCatalog catalog, std::unique_ptr<Ops> ops,
    const MakeModelOptions& options);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_MAKE_MODEL_H_
