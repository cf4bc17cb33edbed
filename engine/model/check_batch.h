// The rules of Batch, checked.
#ifndef OXBOW_ENGINE_MODEL_CHECK_BATCH_H_
#define OXBOW_ENGINE_MODEL_CHECK_BATCH_H_

#include <cstddef>

#include "engine/model/model.h"
#include "engine/model/model_config.h"

namespace oxbow {

// CHECK-fails unless the batch keeps the rules of model.h and `hidden_count`
// numbers hold its hidden rows.
void CheckBatch(const Batch& batch, const ModelConfig& config,
                size_t hidden_count);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_CHECK_BATCH_H_
