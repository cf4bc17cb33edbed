// The one model in a folder.
#ifndef OXBOW_ENGINE_WEIGHTS_FIND_MODEL_FILE_H_
#define OXBOW_ENGINE_WEIGHTS_FIND_MODEL_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace oxbow {

// `path`, if it is no folder. Otherwise, in it: model.safetensors.index.json,
// or the one file that is named as weights are (.safetensors, .st, .pth, .gguf;
// without any, .bin). InvalidArgument if there is none, or if several are and
// it takes the user to choose.
absl::StatusOr<std::string> FindModelFile(const std::string& path);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_FIND_MODEL_FILE_H_
