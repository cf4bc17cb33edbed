// What stands before the numbers in a GGUF file: typed metadata, and a list of
// tensors. Format: docs/gguf.md of the ggml project, versions 2 and 3.
#ifndef OXBOW_ENGINE_WEIGHTS_GGUF_HEADER_H_
#define OXBOW_ENGINE_WEIGHTS_GGUF_HEADER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/weights/gguf_metadata.h"
#include "engine/weights/input_file.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// A tensor and where its numbers are.
struct GgufTensor {
  TensorEntry entry;
  int64_t offset = 0;  // in the file
};

struct GgufHeader {
  std::string architecture;  // "rwkv6" or "rwkv7"
  GgufMetadata metadata;
  std::vector<GgufTensor> tensors;  // in the order of the file
};

// True if the file starts as GGUF does.
bool LooksLikeGguf(const InputFile& file);

// Reads and checks everything before the numbers, and that the numbers lie in
// the file, aligned, each tensor after the one before.
//
// Unimplemented, by name: version 1, big-endian files, an architecture other
// than rwkv6 and rwkv7, one part of a split model, an adapter, a tensor type
// that is not a DType. InvalidArgument in one sentence: whatever breaks the
// format, a key or a tensor given twice, arrays of arrays, more than 16 MiB of
// metadata, 2^20 strings in an array, 4096 keys or kTensorsMax tensors.
absl::StatusOr<GgufHeader> ReadGgufHeader(const InputFile& file);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_GGUF_HEADER_H_
