// Which RWKV a file holds, from the names and shapes of its tensors.
#ifndef OXBOW_ENGINE_MODEL_DETECT_VERSION_H_
#define OXBOW_ENGINE_MODEL_DETECT_VERSION_H_

#include "absl/status/statusor.h"
#include "engine/model/model_config.h"
#include "engine/weights/tensor_catalog.h"

namespace oxbow {

// InvalidArgument if the tensors are of no RWKV model, or their sizes cannot
// be; Unimplemented, by name, for relatives that are no RWKV-4 to RWKV-7 under
// BlinkDL's names.
absl::StatusOr<ModelConfig> DetectVersion(const TensorCatalog& catalog);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_DETECT_VERSION_H_
