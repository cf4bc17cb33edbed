// What a file of weights holds.
#ifndef OXBOW_TOOLS_MODEL_INSPECT_H_
#define OXBOW_TOOLS_MODEL_INSPECT_H_

#include <ostream>

#include "absl/status/status.h"
#include "tools/model/load_chosen.h"

namespace oxbow {

struct InspectFlags {
  ModelChoice model;
  bool tensors = false;
  bool json = false;
};

// Tells the model's version, sizes and ids, and with `tensors` each tensor: its
// dtype in the file, or with the adapters merged, and that in memory.
// Reads every number once; progress goes to stderr. Errors as LoadModel.
absl::Status Inspect(const InspectFlags& flags, bool is_terminal,
                     std::ostream* out);

// Only whether the file is whole, and its digest.
absl::Status Verify(const InspectFlags& flags, bool is_terminal,
                    std::ostream* out);

}  // namespace oxbow

#endif  // OXBOW_TOOLS_MODEL_INSPECT_H_
