// Reads the pickle of a torch file as data; nothing in it is ever run.
#ifndef OXBOW_ENGINE_WEIGHTS_PICKLE_H_
#define OXBOW_ENGINE_WEIGHTS_PICKLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "kernels/tensor.h"

namespace oxbow {

// A tensor as the pickle describes it: a view of a storage, which is a file of
// its own in the zip archive.
struct PickledTensor {
  std::string name;
  DType dtype = DType::kF32;
  std::string storage_key;
  int64_t storage_count = 0;  // numbers in the storage
  int64_t offset = 0;         // of the view's first number
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
};

struct PickledFile {
  std::vector<PickledTensor> tensors;
  // What a reranker's file has under "reranker_layer_idx", the one name that
  // may stand for something else than a tensor: a list of at most 256 whole
  // numbers. nullopt: the file has no such name.
  absl::optional<std::vector<int64_t>> reranker_layers;
};

// The tensors of a pickled dict (or OrderedDict) name -> tensor, in its order.
//
// A pickle is a program for a stack machine that may call any Python function.
// This machine knows only the instructions torch.save uses, and six names to
// call, none of which does more than describe data. Anything else is
// InvalidArgument, in one sentence with the instruction and its offset. Work
// and memory are linear in the pickle's size. The views are not yet checked
// against their storages.
absl::StatusOr<PickledFile> ReadPickle(absl::string_view pickle);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_PICKLE_H_
