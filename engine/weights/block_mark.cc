#include "engine/weights/block_mark.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {
namespace {

constexpr absl::string_view kTransposed = " transposed";
// Of a mark in an error.
constexpr size_t kTextBytesMax = 32;

absl::optional<DType> BlockDTypeOf(absl::string_view name) {
  for (const DType dtype :
       {DType::kQ8_0, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
        DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    if (name == NameOf(dtype)) return dtype;
  }
  return absl::nullopt;
}

}  // namespace

std::string TextOf(const BlockMark& mark) {
  return absl::StrCat(NameOf(mark.dtype), mark.transposed ? kTransposed : "");
}

absl::StatusOr<BlockMark> ParseBlockMark(absl::string_view text) {
  absl::string_view name = text;
  const bool transposed = absl::ConsumeSuffix(&name, kTransposed);
  const absl::optional<DType> dtype = BlockDTypeOf(name);
  if (dtype.has_value()) return BlockMark{*dtype, transposed};
  return absl::InvalidArgumentError(
      absl::StrCat("marked as '", text.substr(0, kTextBytesMax),
                   "', want a block format such as q8_0"));
}

std::vector<int64_t> ByteShape(DType dtype, std::vector<int64_t> shape) {
  shape.back() = BytesOf(dtype, shape.back());
  return shape;
}

absl::StatusOr<std::vector<int64_t>> NumberShape(DType dtype,
                                                 std::vector<int64_t> shape) {
  const int64_t block_bytes = BytesPerBlock(dtype);
  if (shape.empty() || shape.back() % block_bytes != 0 ||
      shape.back() / block_bytes > kDimensionMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "shape ", ShapeText(shape), " does not end in whole blocks of ",
        block_bytes, " bytes, as ", NameOf(dtype), " asks"));
  }
  shape.back() = shape.back() / block_bytes * NumbersPerBlock(dtype);
  return shape;
}

}  // namespace oxbow
