// How a .safetensors file of our own holds blocks.
#ifndef OXBOW_ENGINE_WEIGHTS_BLOCK_MARK_H_
#define OXBOW_ENGINE_WEIGHTS_BLOCK_MARK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "kernels/tensor.h"

namespace oxbow {

// What the file's metadata says of a tensor of bytes (U8): that it is blocks.
// The last dimension is then the bytes of a row. docs/weights.md has the
// format, docs/decisions/0043 the reason.
struct BlockMark {
  DType dtype = DType::kQ8_0;  // a block format
  // The named tensor's last two dimensions are the other way round.
  bool transposed = false;
};

// The key of a tensor's mark in the metadata is this and the tensor's name.
constexpr absl::string_view kBlockMarkPrefix = "oxbow.dtype.";

// "q8_0", "q4_0 transposed".
std::string TextOf(const BlockMark& mark);
// InvalidArgument, in words that follow "NAME: ", for any other text.
absl::StatusOr<BlockMark> ParseBlockMark(absl::string_view text);

// The dimensions of the tensor of bytes from those of its numbers, and back.
// The numbers fill whole blocks.
std::vector<int64_t> ByteShape(DType dtype, std::vector<int64_t> shape);
// InvalidArgument, in words that follow "NAME: ", if a row is no whole number
// of blocks or past all limits.
absl::StatusOr<std::vector<int64_t>> NumberShape(DType dtype,
                                                 std::vector<int64_t> shape);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_BLOCK_MARK_H_
