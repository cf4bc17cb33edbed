// The tensors of one layer, as every version asks for them.
#ifndef OXBOW_ENGINE_MODEL_BLOCK_LOADER_H_
#define OXBOW_ENGINE_MODEL_BLOCK_LOADER_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "engine/model/low_rank.h"
#include "engine/model/model_config.h"
#include "engine/weights/tensor_catalog.h"
#include "engine/weights/weight_loader.h"

namespace oxbow {

// Asks a WeightLoader, with "blocks.N." before each name and the model's sizes
// for shapes: D channels, H heads of S. Errors stay in the loader, where empty
// values are given.
//
// Matrices lie in memory in the order they are asked for: Bind() asks in the
// order of their use, so that a step that waits for memory reads on from one
// to the next (one stream of int8, one thread: 4 percent).
//
// Thread-compatible. Borrows all it is given.
class BlockLoader {
 public:
  using Change = absl::FunctionRef<float(float)>;

  BlockLoader(WeightLoader& loader, const TensorCatalog& catalog,
              const ModelConfig& config, int layer);

  int layer() const { return layer_; }

  // Whether the model has this tensor in its layers. It is the first that
  // says: a later one that lacks the tensor, or has it alone, is refused.
  bool Has(absl::string_view name) const;
  // The size of the tensor's dimension; 1 if it has none, so that the loader
  // will name what is wrong.
  int SizeOf(absl::string_view name, size_t dimension) const;

  // [D], each number changed.
  Vector GetVector(absl::string_view name);
  Vector GetVector(absl::string_view name, Change change);
  // [D] from the file's [H,S], or from its [H], each number then being that of
  // all channels of its head.
  Vector GetHeads(absl::string_view name);
  Vector GetHeads(absl::string_view name, Change change);
  // Files of RWKV-4 and RWKV-5 give the share of the present, x * mix +
  // past * (1 - mix); we want that of the past. fp32's 1 - mix is exact for
  // what came from bf16 or fp16, and for others the one the formula names.
  Vector GetPastShare(absl::string_view mix);

  Matrix GetMatrix(absl::string_view name, int outputs, int inputs);
  Matrix GetSquare(absl::string_view name);  // [D,D]
  // Stored [D,rank] and [rank,D], for x @ W. The rank is the file's own
  // choice: training code has used several formulas.
  LowRank GetLowRank(absl::string_view down, absl::string_view up);
  // The halves of a pair alone: stored [D,rank], the rank the file's own or
  // given; [rank,D]; and [parts,rank,D].
  Matrix GetDown(absl::string_view name);
  Matrix GetDown(absl::string_view name, int rank);
  Matrix GetUp(absl::string_view name, int rank);
  std::vector<Matrix> GetUps(absl::string_view name, int parts, int rank);

  void Ignore(absl::string_view name);

  // The matrices [H,S key,S value] of a state that has read nothing: zeros, or
  // what the file has tuned (att.time_state, [H,S value,S key]).
  std::vector<float> InitialHeads();

 private:
  std::string NameOf(absl::string_view name) const;

  WeightLoader& loader_;
  const TensorCatalog& catalog_;
  const ModelConfig& config_;
  const int layer_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_BLOCK_LOADER_H_
