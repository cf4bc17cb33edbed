#include "engine/weights/tensor_source.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace oxbow {
namespace {

// So that sizes in bytes never overflow.
constexpr int64_t kCountMax = int64_t{1} << 40;

}  // namespace

std::string ShapeText(absl::Span<const int64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ","), "]");
}

std::vector<int64_t> Squeezed(absl::Span<const int64_t> shape) {
  std::vector<int64_t> squeezed;
  for (int64_t dimension : shape) {
    if (dimension != 1) squeezed.push_back(dimension);
  }
  return squeezed;
}

absl::Status CheckShape(absl::string_view name, DType dtype,
                        absl::Span<const int64_t> shape) {
  if (shape.empty() || shape.size() > kRankMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": has ", shape.size(), " dimensions, want 1 to ", kRankMax));
  }
  int64_t count = 1;
  for (int64_t dimension : shape) {
    if (dimension < 1 || dimension > kDimensionMax) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, ": dimension ", dimension, " is not in 1 .. ", kDimensionMax));
    }
    if (count > kCountMax / dimension) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, ": shape ", ShapeText(shape), " has too many numbers"));
    }
    count *= dimension;
  }
  if (shape.back() % NumbersPerBlock(dtype) != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": shape ", ShapeText(shape), " does not end in whole blocks of ",
        NumbersPerBlock(dtype), ", as ", NameOf(dtype), " asks"));
  }
  return absl::OkStatus();
}

}  // namespace oxbow
