// How the ggml project numbers the types of tensors in its files.
#ifndef OXBOW_ENGINE_WEIGHTS_GGML_TYPES_H_
#define OXBOW_ENGINE_WEIGHTS_GGML_TYPES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "kernels/tensor.h"

namespace oxbow {

// The DType of a ggml_type, as GGUF files have it (docs/gguf.md of the ggml
// project). Unimplemented in a sentence that starts with `name` and says the
// type's name if ggml has one.
absl::StatusOr<DType> FromGgmlType(absl::string_view name, uint32_t type);

// The DType of a data_type of rwkv.cpp's files (its docs/FILE_FORMAT.md and
// rwkv_file_format.inc), which are numbered differently. Unimplemented alike.
absl::StatusOr<DType> FromRwkvCppType(absl::string_view name, uint32_t type);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_GGML_TYPES_H_
