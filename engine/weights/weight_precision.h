// Which tensors --weights=int8 and --weights=int4 quantize, and to what.
#ifndef OXBOW_ENGINE_WEIGHTS_WEIGHT_PRECISION_H_
#define OXBOW_ENGINE_WEIGHTS_WEIGHT_PRECISION_H_

#include <string>

#include "engine/weights/tensor_catalog.h"
#include "engine/weights/tensor_source.h"
#include "kernels/tensor.h"

namespace oxbow {

enum class WeightPrecision {
  kAsStored,  // every tensor as the file has it
  kInt8,      // large matrices and the embeddings as q8_0
  kInt4,      // large matrices as q4_0, the embeddings as q8_0
};

// The dtype in which a tensor, given by its canonical name, shape and stored
// dtype, is kept in memory. docs/weights.md says which are quantized and why.
DType KeptAs(const TensorEntry& entry, WeightPrecision precision);
// The same of a catalog's tensor, which must exist: blocks that lie the other
// way round stay.
DType KeptAs(const TensorCatalog& catalog, const std::string& name,
             WeightPrecision precision);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_WEIGHT_PRECISION_H_
