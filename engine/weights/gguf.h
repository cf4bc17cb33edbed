// Reads .gguf files of RWKV-6 and RWKV-7, as llama.cpp's tools write them.
#ifndef OXBOW_ENGINE_WEIGHTS_GGUF_H_
#define OXBOW_ENGINE_WEIGHTS_GGUF_H_

#include <memory>

#include "absl/status/statusor.h"
#include "engine/weights/input_file.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// The tensors under the file's own names ("blk.3.time_mix_key.weight"), with
// row-major shapes, in the blocks of the file. Numbers stay in the file until
// Read() asks for them.
//
// The errors of ReadGgufHeader(); and InvalidArgument, in one sentence, where
// metadata and tensors contradict each other.
absl::StatusOr<std::unique_ptr<TensorSource>> OpenGguf(InputFile file);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_GGUF_H_
