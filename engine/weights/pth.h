// Reads .pth files as torch.save writes them: a zip archive of a pickle and
// one file a storage.
#ifndef OXBOW_ENGINE_WEIGHTS_PTH_H_
#define OXBOW_ENGINE_WEIGHTS_PTH_H_

#include <memory>

#include "absl/status/statusor.h"
#include "engine/weights/input_file.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// True if the file starts as a zip archive does.
bool LooksLikeZip(const InputFile& file);

// InvalidArgument in one sentence for a damaged or hostile file: a compressed
// entry, an entry too few, a view that leaves its storage or is not
// contiguous, a pickle that is more than data.
absl::StatusOr<std::unique_ptr<TensorSource>> OpenPth(InputFile file);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_PTH_H_
