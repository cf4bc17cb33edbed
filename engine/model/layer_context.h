// What a version's layer is told of the step it runs in.
#ifndef OXBOW_ENGINE_MODEL_LAYER_CONTEXT_H_
#define OXBOW_ENGINE_MODEL_LAYER_CONTEXT_H_

#include "engine/model/model_config.h"
#include "engine/model/state_layout.h"
#include "kernels/ops.h"

namespace oxbow {

struct LayerContext {
  Ops& ops;
  const ModelConfig& config;
  const StateLayout& layout;
  const Sequences& sequences;
  int layer;
  Rows x;   // [N,D] the residual, added to
  Rows in;  // [N,D] its LayerNorm
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_LAYER_CONTEXT_H_
