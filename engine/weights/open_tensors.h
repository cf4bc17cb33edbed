// Opens a file of weights by what is in it, not by its name.
#ifndef OXBOW_ENGINE_WEIGHTS_OPEN_TENSORS_H_
#define OXBOW_ENGINE_WEIGHTS_OPEN_TENSORS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// A .pth, .safetensors, .gguf or rwkv.cpp's .bin file, an index of .safetensors
// shards, or a folder with one model (FindModelFile). The config.json beside a
// model under Hugging Face's names is read with it. NotFound: no such file, or
// a shard is missing. Unimplemented: a format that is known but not read here
// (an old torch file), or what a config.json asks for. InvalidArgument:
// damaged, hostile, or something else.
absl::StatusOr<std::unique_ptr<TensorSource>> OpenTensors(
    const std::string& path);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_OPEN_TENSORS_H_
