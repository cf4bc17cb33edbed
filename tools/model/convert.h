// Any file of weights, with adapters merged or without, as .safetensors under
// BlinkDL's names.
#ifndef OXBOW_TOOLS_MODEL_CONVERT_H_
#define OXBOW_TOOLS_MODEL_CONVERT_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "engine/weights/adapter_file.h"
#include "engine/weights/weight_precision.h"

namespace oxbow {

struct ConvertFlags {
  std::string from;
  std::string to;
  // "fp32", "fp16", "bf16"; empty: as stored, blocks as fp32.
  std::string dtype;
  // Instead of a dtype: what oxbowd makes of the model while it loads it,
  // blocks as blocks. The file loads as it is, as the same model.
  absl::optional<WeightPrecision> weights;
  std::vector<AdapterFile> adapters;
};

// Holds one tensor at a time. The file appears whole or not at all.
// InvalidArgument: a number does not fit the dtype, or `to` ends in .st, which
// would be read as web-rwkv's. Otherwise as LoadModel.
absl::Status Convert(const ConvertFlags& flags, bool is_terminal,
                     std::ostream* out);

}  // namespace oxbow

#endif  // OXBOW_TOOLS_MODEL_CONVERT_H_
