#include "engine/model/reranker.h"

#include <cstring>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "engine/model/load_model.h"
#include "engine/model/own_exp.h"
#include "engine/model/state_layout.h"

namespace oxbow {
namespace {

// The layout of an RWKV-7 of these sizes.
StateLayout LayoutOf(const ModelInfo& info) {
  ModelConfig config;
  config.layers = info.layers;
  config.width = info.width;
  config.head_size = info.head_size;
  return StateLayout::OfHeads(config);
}

// That the model is a reranker, and the embedder one whose states it reads.
absl::Status CheckPair(const ModelInfo& reranker, const ModelInfo& embedder) {
  if (!reranker.has_rank_head) {
    return absl::InvalidArgumentError(
        "head.0.weight: missing; no reranker (EmbeddingRWKV's)");
  }
  if (reranker.vocabulary_size != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "emb.weight: want the one row of a reranker's token, file has ",
        reranker.vocabulary_size));
  }
  for (const ModelInfo* info : {&reranker, &embedder}) {
    if (LayoutOf(*info).id() == info->layout_id) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "a reranker and its embedder are RWKV-7, the ",
        info == &reranker ? "reranker" : "embedder", " is ", info->version));
  }
  if (reranker.width != embedder.width ||
      reranker.head_size != embedder.head_size) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the reranker has ", reranker.width, " channels in heads of ",
        reranker.head_size, ", the embedder ", embedder.width, " in heads of ",
        embedder.head_size));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int>> LayersOf(const ModelInfo& reranker,
                                          const ModelInfo& embedder) {
  const std::vector<int64_t>& named = reranker.reranker_layers;
  if (static_cast<int>(named.size()) != reranker.layers) {
    return absl::InvalidArgumentError(absl::StrCat("reranker_layer_idx: names ",
                                                   named.size(), " layers for ",
                                                   reranker.layers, " blocks"));
  }
  std::vector<int> layers;
  for (const int64_t layer : named) {
    if (layer < -embedder.layers || layer >= embedder.layers) {
      return absl::InvalidArgumentError(
          absl::StrCat("reranker_layer_idx: layer ", layer,
                       "; the embedder has layers 0 .. ", embedder.layers - 1));
    }
    layers.push_back(
        static_cast<int>(layer < 0 ? layer + embedder.layers : layer));
  }
  return layers;
}

}  // namespace

float RankScore(float logit) {
  return static_cast<float>(1.0 / (1.0 + OwnExp(-double{logit})));
}

absl::StatusOr<std::unique_ptr<Reranker>> Reranker::Load(
    const std::string& path, const LoadOptions& options,
    const ModelInfo& embedder) {
  LoadModelOptions load;
  load.gpu = options.gpu;
  load.threads = options.threads;
  load.pool = options.pool;
  load.slots_max = kStatesMax;
  load.on_progress = options.on_progress;
  load.part = ModelPart::kReranker;
  ASSIGN_OR_RETURN(std::unique_ptr<Model> model, LoadModel(path, load));
  absl::Status status = CheckPair(model->info(), embedder);
  absl::StatusOr<std::vector<int>> layers;
  if (status.ok()) {
    layers = LayersOf(model->info(), embedder);
    status = layers.status();
  }
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", status.message()));
  }
  return absl::WrapUnique(new Reranker(std::move(model), *std::move(layers)));
}

std::string Reranker::StartOf(const Model& embedder, StateSlot slot) const {
  std::string from(embedder.info().state_bytes, '\0');
  embedder.ReadState(slot, absl::MakeSpan(from));
  const StateLayout from_layout = LayoutOf(embedder.info());
  const StateLayout to_layout = LayoutOf(info());
  std::string to(info().state_bytes, '\0');
  for (size_t i = 0; i < layers_.size(); ++i) {
    std::memcpy(&to[to_layout.Wkv(static_cast<int>(i)) * sizeof(float)],
                &from[from_layout.Wkv(layers_[i]) * sizeof(float)],
                to_layout.wkv_count() * sizeof(float));
  }
  return to;
}

absl::StatusOr<std::vector<float>> Reranker::Score(
    const Model& embedder, absl::Span<const StateSlot> slots) {
  OXBOW_CHECK(!slots.empty() && slots.size() <= kStatesMax) << slots.size();
  Batch batch;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (i == slots_.size()) {
      ASSIGN_OR_RETURN(const StateSlot mine, model_->NewState());
      slots_.push_back(mine);
    }
    RETURN_IF_ERROR(model_->WriteState(slots_[i], StartOf(embedder, slots[i])));
    batch.tokens.push_back(0);
    batch.row_end.push_back(static_cast<int>(i) + 1);
    batch.slots.push_back(slots_[i]);
    batch.hidden_rows.push_back(static_cast<int>(i));
  }
  std::vector<float> hidden(slots.size() * info().width);
  model_->Step(batch, absl::MakeSpan(hidden));
  std::vector<float> logits(slots.size());
  model_->RankLogits(hidden, absl::MakeSpan(logits));
  return logits;
}

}  // namespace oxbow
