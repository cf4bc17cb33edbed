// From a file to a Model: the one door to the engine's models.
#ifndef OXBOW_ENGINE_MODEL_LOAD_MODEL_H_
#define OXBOW_ENGINE_MODEL_LOAD_MODEL_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "engine/model/model.h"
#include "engine/weights/adapter_file.h"
#include "engine/weights/model_part.h"
#include "engine/weights/weight_precision.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/ops.h"

namespace oxbow {

struct LoadModelOptions {
  // The GPU that computes, by CUDA's number; nullopt: the CPU does.
  absl::optional<int> gpu;
  // Threads that share the work of one step; 0: all cores that may be used.
  int threads = 0;
  // If not null, these instead: those of the other models that the same thread
  // steps.
  std::shared_ptr<ThreadPool> pool;
  // Live states at most. Each takes info().state_bytes of memory.
  int slots_max = 256;
  // Called now and then with bytes done and bytes in all; may be empty.
  std::function<void(int64_t done, int64_t total)> on_progress;
  // How products round (kernels/ops.h). Unimplemented where the machine cannot.
  Numerics numerics = Numerics::kExact;
  // Whether matrices are quantized on their way into memory.
  WeightPrecision precision = WeightPrecision::kAsStored;
  // Which one, of a file that holds several models.
  ModelPart part = ModelPart::kModel;
  // Merged into the model in this order, before anything is quantized.
  std::vector<AdapterFile> adapters;
};

// Reads a file, an index of shards or a folder, as OpenTensors does; tensors
// under any scheme of docs/weights.md.
// NotFound: no such file. Unavailable: no such GPU, or nothing to use it with.
// Unimplemented: a version or format Oxbow does not run, named.
// InvalidArgument: the file is damaged or hostile, in one sentence that names
// the tensor and the shapes ("blocks.3.att.key.weight: want [768,768], file has
// [768,512]"). ResourceExhausted: not enough memory. The same of an adapter.
absl::StatusOr<std::unique_ptr<Model>> LoadModel(
    const std::string& path, const LoadModelOptions& options);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_LOAD_MODEL_H_
