// The one model in a folder.
#ifndef OXBOW_ENGINE_WEIGHTS_FIND_MODEL_FILE_H_
#define OXBOW_ENGINE_WEIGHTS_FIND_MODEL_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace oxbow {

// `path`, if it is no folder. Otherwise the first of these that is in it, and
// there must be one of them: a file named as an index of shards is
// (.safetensors.index.json); as weights are (.safetensors, .st, .pth, .gguf);
// as torch's index of shards is (.bin.index.json), which opens with a sentence
// that says they are not read; .bin. InvalidArgument if there is none, or if
// the user has to choose.
absl::StatusOr<std::string> FindModelFile(const std::string& path);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_FIND_MODEL_FILE_H_
