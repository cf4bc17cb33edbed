// Any file of weights, with adapters merged or without, as .safetensors under
// BlinkDL's names.
#ifndef OXBOW_TOOLS_MODEL_CONVERT_H_
#define OXBOW_TOOLS_MODEL_CONVERT_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/weights/adapter_file.h"

namespace oxbow {

struct ConvertFlags {
  std::string from;
  std::string to;
  std::string dtype;  // "fp32", "fp16", "bf16"; empty: as stored
  std::vector<AdapterFile> adapters;
};

// Holds one tensor at a time. The file appears whole or not at all.
// InvalidArgument: a number does not fit the dtype, or `to` ends in .st, which
// would be read as web-rwkv's. Otherwise as LoadModel.
absl::Status Convert(const ConvertFlags& flags, bool is_terminal,
                     std::ostream* out);

}  // namespace oxbow

#endif  // OXBOW_TOOLS_MODEL_CONVERT_H_
