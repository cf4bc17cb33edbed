// Takes a model's tensors from a catalog to a backend, checking each.
#ifndef OXBOW_ENGINE_WEIGHTS_WEIGHT_LOADER_H_
#define OXBOW_ENGINE_WEIGHTS_WEIGHT_LOADER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/sha256.h"
#include "engine/weights/byte_buffer.h"
#include "engine/weights/tensor_catalog.h"
#include "engine/weights/weight_precision.h"
#include "kernels/ops.h"

namespace oxbow {

// A version asks for its tensors by name and shape; the loader finds, checks,
// packs and counts them. The first error stays: later calls return empty
// values at once, so that Bind() can be a plain list; ask Finish() at the end.
//
// Each error is one sentence: "blocks.3.att.key.weight: want [768,768], file
// has [768,512]".
//
// Thread-compatible. Borrows catalog and ops.
class WeightLoader {
 public:
  // `on_progress` may be empty. With a precision other than kAsStored, tensors
  // are quantized on their way, on some `threads`, and all that is said below
  // of dtypes and weights is true of what they become.
  WeightLoader(TensorCatalog* catalog, Ops* ops,
               std::function<void(int64_t done, int64_t total)> on_progress,
               WeightPrecision precision = WeightPrecision::kAsStored,
               int threads = 1);

  // A vector as fp32. Dimensions of 1 do not count: [1,1,D] is [D].
  Vector GetVector(const std::string& name, absl::Span<const int64_t> shape);
  // A vector of what `change` makes of the numbers; it does not see other
  // shapes than this. InvalidArgument if what it makes is not finite.
  Vector GetVector(
      const std::string& name, absl::Span<const int64_t> shape,
      absl::FunctionRef<std::vector<float>(std::vector<float>)> change);
  // The numbers as fp32, row-major; empty after an error.
  std::vector<float> GetNumbers(const std::string& name,
                                absl::Span<const int64_t> shape);
  // w[outputs, inputs] for y = w x.
  Matrix GetMatrix(const std::string& name, int outputs, int inputs);
  // The same from a file that holds [inputs, outputs], as low-rank pairs do.
  Matrix GetTransposed(const std::string& name, int inputs, int outputs);
  // The same from each part of [parts, inputs, outputs]; empty after an error.
  std::vector<Matrix> GetTransposedParts(const std::string& name, int parts,
                                         int inputs, int outputs);
  Table GetTable(const std::string& name, int rows, int width);
  // A tensor that may be in the file and is not used.
  void Ignore(const std::string& name);

  // The first error; or InvalidArgument for a tensor nobody asked for.
  absl::Status Finish() const;

  // Of all tensors asked for: canonical names, shapes, dtypes, numbers, in the
  // order of the names. The file's format and order do not matter.
  Digest weights_id() const;
  // Numbers of the tensors asked for.
  int64_t parameters() const { return parameters_; }
  // The dtype most parameters are stored in.
  DType main_dtype() const;

 private:
  // Finds and reads a tensor of this shape into bytes_, quantizes it if that is
  // asked for, and notes it. Null after an error; lives until the next call.
  const TensorEntry* Take(const std::string& name,
                          absl::Span<const int64_t> shape);
  // Packs the canonical matrix [rows, columns] that is part number `part` of
  // bytes_, or its transpose.
  Matrix PackPart(const TensorEntry& entry, int part, int rows, int columns,
                  bool transposed);
  // Sizes bytes_; false, with an error, if there is no memory.
  bool MakeRoom(const TensorEntry& entry);
  void Fail(absl::Status status);
  template <class T>
  T Unless(absl::StatusOr<T> value);

  TensorCatalog* const catalog_;
  Ops* const ops_;
  const std::function<void(int64_t, int64_t)> on_progress_;
  const WeightPrecision precision_;
  const int threads_;
  int64_t bytes_total_ = 0;
  int64_t bytes_done_ = 0;
  int64_t parameters_ = 0;
  absl::Status status_;
  absl::flat_hash_set<std::string> seen_;
  absl::btree_map<std::string, Digest> digests_;
  std::map<DType, int64_t> counts_;
  TensorEntry taken_;  // the tensor at hand
  ByteBuffer bytes_;   // and its numbers
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_WEIGHT_LOADER_H_
