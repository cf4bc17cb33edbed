// Holds what a file says about its model against its tensors.
#ifndef OXBOW_ENGINE_WEIGHTS_CHECK_FACTS_H_
#define OXBOW_ENGINE_WEIGHTS_CHECK_FACTS_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// A tensor by canonical name; null if there is none.
using FindTensor = std::function<const TensorEntry*(absl::string_view)>;

// InvalidArgument, in a sentence with both numbers, if a fact contradicts a
// tensor; Unimplemented for LayerNorms with an epsilon other than 1e-5, which
// all of BlinkDL's models have. What a file does not say, or has no tensor
// for, is not compared.
absl::Status CheckFacts(const SourceFacts& facts, const FindTensor& find);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_CHECK_FACTS_H_
