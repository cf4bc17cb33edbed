// The tensors of a file, whatever its format.
#ifndef OXBOW_ENGINE_WEIGHTS_TENSOR_SOURCE_H_
#define OXBOW_ENGINE_WEIGHTS_TENSOR_SOURCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "kernels/tensor.h"

namespace oxbow {

// Limits that hold for every format. They bound what a hostile file can make
// us compute or allocate before a byte of its numbers is read.
constexpr int kTensorsMax = 16384;
constexpr int kRankMax = 4;
constexpr int64_t kDimensionMax = int64_t{1} << 24;
constexpr size_t kNameBytesMax = 256;

// One tensor as the file names it. Readers promise: rank 1 .. kRankMax (2 at
// least if it is transposed), each dimension 1 .. kDimensionMax, the last a
// whole number of the dtype's blocks, names distinct, and the bytes are in the
// file.
struct TensorEntry {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  // What is named has the last two dimensions the other way round. Only where
  // SourceFacts say that names are canonical.
  bool transposed = false;

  int64_t Count() const {
    int64_t count = 1;
    for (int64_t dimension : shape) count *= dimension;
    return count;
  }
  int64_t Bytes() const { return BytesOf(dtype, Count()); }
};

// "[768,64]".
std::string ShapeText(absl::Span<const int64_t> shape);

// The shape without its dimensions of 1, which do not count.
std::vector<int64_t> Squeezed(absl::Span<const int64_t> shape);

// InvalidArgument, in a sentence that starts with `name`, unless shape keeps
// the limits above, its numbers are at most 2^40, and its last dimension is a
// multiple of NumbersPerBlock(dtype).
absl::Status CheckShape(absl::string_view name, DType dtype,
                        absl::Span<const int64_t> shape);

// What a file says about its model besides the tensors; what it does not say
// is absent. As hostile as the rest: numbers are whatever the file holds.
struct SourceFacts {
  // Who says it: "config.json".
  std::string from = "the file";
  absl::optional<int64_t> layers;
  absl::optional<int64_t> width;
  absl::optional<int64_t> ffn_width;
  absl::optional<int64_t> vocabulary_size;
  absl::optional<int64_t> head_size;
  // Of the LayerNorms.
  absl::optional<double> norm_eps;
  // The names are BlinkDL's, whatever shapes look like.
  bool is_canonical = false;
  bool is_safetensors = false;
  // The file's name ends in .st, as web-rwkv's do.
  bool is_named_st = false;
  // Some tensors of layer l are divided by 2^(l / rescale_every); 0: none.
  absl::optional<int64_t> rescale_every;
  // Of a reranker: the layer of the embedder whose state each block starts
  // from. Absent: block i from layer i.
  absl::optional<std::vector<int64_t>> reranker_layers;
};

// Thread-compatible.
class TensorSource {
 public:
  virtual ~TensorSource() = default;

  // In no particular order.
  virtual absl::Span<const TensorEntry> entries() const = 0;

  virtual SourceFacts facts() const { return {}; }

  // The numbers of entries()[index], row-major, little-endian, blocks in GGML's
  // byte layout; `bytes` has their size. InvalidArgument if the file is
  // damaged.
  virtual absl::Status Read(int index, absl::Span<char> bytes) = 0;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_TENSOR_SOURCE_H_
