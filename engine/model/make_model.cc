#include "engine/model/make_model.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "engine/model/detect_version.h"
#include "engine/model/rwkv4.h"
#include "engine/model/rwkv5.h"
#include "engine/model/rwkv6.h"
#include "engine/model/rwkv7.h"
#include "engine/model/rwkv_model.h"
#include "engine/weights/weight_loader.h"

namespace oxbow {
namespace {

ModelInfo InfoOf(const ModelConfig& config, const StateLayout& layout,
                 const WeightLoader& loader) {
  ModelInfo info;
  info.version = NameOf(config.version);
  info.layers = config.layers;
  info.width = config.width;
  info.vocabulary_size = config.vocabulary_size;
  info.head_size = config.head_size;
  info.parameters = loader.parameters();
  info.weights_dtype = NameOf(loader.main_dtype());
  info.state_bytes = layout.count() * sizeof(float);
  info.weights_id = loader.weights_id();
  info.layout_id = layout.id();
  info.has_lm_head = config.has_lm_head;
  info.embedding_heads = config.embedding_heads;
  info.has_rank_head = config.has_rank_head;
  info.reranker_layers = config.reranker_layers;
  return info;
}

template <class Version>
absl::StatusOr<std::unique_ptr<Model>> Make(const ModelConfig& config,
                                            TensorCatalog* catalog,
                                            std::unique_ptr<Ops> ops,
                                            const MakeModelOptions& options) {
  const std::string numerics_id = ops->numerics_id();
  WeightLoader loader(catalog, ops.get(), options.on_progress,
                      options.precision, options.load_threads);
  auto model = std::make_unique<RwkvModel<Version>>(
      std::move(ops), config, loader, *catalog, options.slots_max);
  RETURN_IF_ERROR(loader.Finish());
  ModelInfo info = InfoOf(config, model->layout(), loader);
  info.numerics_id = numerics_id;
  info.adapters = options.adapters;
  model->SetInfo(std::move(info));
  return std::unique_ptr<Model>(std::move(model));
}

// What the kernels of versions with heads ask of them.
absl::Status CheckHeads(const ModelConfig& config) {
  if (IsHeadSize(config.head_size)) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat(NameOf(config.version), " with heads of ", config.head_size,
                   " channels; Oxbow has kernels for 8, 16, 32, 64 and 128"));
}

template <class Version>
absl::StatusOr<std::unique_ptr<Model>> MakeWithHeads(
    const ModelConfig& config, TensorCatalog* catalog, std::unique_ptr<Ops> ops,
    const MakeModelOptions& options) {
  RETURN_IF_ERROR(CheckHeads(config));
  return Make<Version>(config, catalog, std::move(ops), options);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> MakeModel(
    TensorCatalog catalog, std::unique_ptr<Ops> ops,
    const MakeModelOptions& options) {
  ASSIGN_OR_RETURN(const ModelConfig config, DetectVersion(catalog));
  switch (config.version) {
    case RwkvVersion::k4:
      return Make<Rwkv4>(config, &catalog, std::move(ops), options);
    case RwkvVersion::k5_0:
    case RwkvVersion::k5_1:
    case RwkvVersion::k5_2:
      return MakeWithHeads<Rwkv5>(config, &catalog, std::move(ops), options);
    case RwkvVersion::k6:
      return MakeWithHeads<Rwkv6>(config, &catalog, std::move(ops), options);
    case RwkvVersion::k7:
      return MakeWithHeads<Rwkv7>(config, &catalog, std::move(ops), options);
  }
  OXBOW_CHECK(false);
}

}  // namespace oxbow
