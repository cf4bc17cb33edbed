// Reads .safetensors files: a JSON header, then the numbers.
#ifndef OXBOW_ENGINE_WEIGHTS_SAFETENSORS_H_
#define OXBOW_ENGINE_WEIGHTS_SAFETENSORS_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/weights/input_file.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// Checks the whole header before anything else is read: at most 8 MiB, no key
// twice, the tensors' byte ranges fit their shapes, do not overlap and cover
// the file. InvalidArgument in one sentence if not; Unimplemented for a dtype
// other than F32, F16 and BF16.
absl::StatusOr<std::unique_ptr<TensorSource>> OpenSafetensors(InputFile file);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_SAFETENSORS_H_
