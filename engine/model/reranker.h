// EmbeddingRWKV's reranker (arXiv 2601.07861): how well a document answers a
// query, from the state of an embedder that has read both.
#ifndef OXBOW_ENGINE_MODEL_RERANKER_H_
#define OXBOW_ENGINE_MODEL_RERANKER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "engine/model/model.h"
#include "kernels/cpu/thread_pool.h"

namespace oxbow {

// 1 / (1 + e^-logit).
float RankScore(float logit);

// A small RWKV-7 with one token. It reads that token once, from a state whose
// wkv matrices are those of some of the embedder's layers and whose token
// shifts are zero; a head turns the hidden row into a logit.
//
// Thread-compatible: the engine thread owns it.
class Reranker {
 public:
  // States scored in one step, at most.
  static constexpr int kStatesMax = 16;

  struct LoadOptions {
    // As LoadModelOptions.
    int threads = 0;
    std::shared_ptr<ThreadPool> pool;
    std::function<void(int64_t done, int64_t total)> on_progress;
    absl::optional<int> gpu;
  };

  // Reads the reranker of a file. Errors as LoadModel; besides,
  // InvalidArgument, in one sentence that names the file, if it holds none, or
  // one for an embedder of other sizes than this.
  static absl::StatusOr<std::unique_ptr<Reranker>> Load(
      const std::string& path, const LoadOptions& options,
      const ModelInfo& embedder);

  const ModelInfo& info() const { return model_->info(); }

  // The logit of each state in `slots` of the embedder, which stay as they
  // are; 1 .. kStatesMax of them. A state's logit does not depend on the
  // others. InvalidArgument: a state that is not finite.
  absl::StatusOr<std::vector<float>> Score(const Model& embedder,
                                           absl::Span<const StateSlot> slots);

 private:
  Reranker(std::unique_ptr<Model> model, std::vector<int> layers)
      : model_(std::move(model)), layers_(std::move(layers)) {}

  // The bytes of the state in which block i stands at layer layers_[i] of the
  // embedder's.
  std::string StartOf(const Model& embedder, StateSlot slot) const;

  const std::unique_ptr<Model> model_;
  const std::vector<int> layers_;  // of the embedder, in 0 .. L-1
  std::vector<StateSlot> slots_;   // of model_; taken when first needed
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_RERANKER_H_
