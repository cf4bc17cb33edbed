// A tuned state as a stream to be imported.
#ifndef OXBOW_TOOLS_MODEL_TUNED_STATE_H_
#define OXBOW_TOOLS_MODEL_TUNED_STATE_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "tools/model/load_chosen.h"

namespace oxbow {

struct TunedStateFlags {
  ModelChoice model;  // that streams will go on with
  std::string tuned;  // holds blocks.N.att.time_state of every layer
  std::string to;
};

// Writes a portable state file (docs/state_format.md) of byte 0 and token 0:
// the state that `tuned` begins with. Imported, it is a stream that has read
// nothing and differs from others of the model in that alone. The file appears
// whole or not at all.
//
// InvalidArgument, in a sentence that names file and tensor: a layer's state is
// missing or of another shape, holds a NaN, or something else is in the file.
// Otherwise as LoadModel and MakeTokenizer. Loads the model twice, one after
// the other: for its id, and with the state in it.
absl::Status WriteTunedState(const TunedStateFlags& flags, bool is_terminal,
                             std::ostream* out);

}  // namespace oxbow

#endif  // OXBOW_TOOLS_MODEL_TUNED_STATE_H_
