// A model in several .safetensors files.
#ifndef OXBOW_ENGINE_WEIGHTS_SHARDS_H_
#define OXBOW_ENGINE_WEIGHTS_SHARDS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "engine/weights/input_file.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// The tensors of all files an index names. InvalidArgument if the index is bad
// (see ParseShardIndex), a file is, or the two disagree: each file has exactly
// the tensors the index says. NotFound: a file is missing.
absl::StatusOr<std::unique_ptr<TensorSource>> OpenShards(
    const InputFile& index);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_SHARDS_H_
