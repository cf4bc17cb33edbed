// A matrix product in two thin steps.
#ifndef OXBOW_ENGINE_MODEL_LOW_RANK_H_
#define OXBOW_ENGINE_MODEL_LOW_RANK_H_

#include "kernels/ops.h"

namespace oxbow {

// up(activation(down(x))).
struct LowRank {
  Matrix down, up;
  int rank() const { return down.outputs; }
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_LOW_RANK_H_
