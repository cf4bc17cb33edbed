// The layer loop of every RWKV version, written once.
#ifndef OXBOW_ENGINE_MODEL_RWKV_MODEL_H_
#define OXBOW_ENGINE_MODEL_RWKV_MODEL_H_

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "engine/model/block_loader.h"
#include "engine/model/check_batch.h"
#include "engine/model/heads.h"
#include "engine/model/layer_context.h"
#include "engine/model/model.h"
#include "engine/model/scratch.h"
#include "engine/model/state_layout.h"
#include "engine/model/state_slots.h"
#include "engine/weights/weight_loader.h"
#include "kernels/ops.h"

namespace oxbow {

// A Model of the version that `Version` describes (see rwkv7.h): its Layer,
// Work, Bind, Layout, InitialWkv, TimeMix and ChannelMix. Knows no backend and
// no file format.
template <class Version>
class RwkvModel : public Model {
 public:
  // Takes the weights from the loader; whether all went well, its Finish()
  // says. Then SetInfo() must be called.
  RwkvModel(std::unique_ptr<Ops> ops, const ModelConfig& config,
            WeightLoader& loader, const TensorCatalog& catalog, int slots_max)
      : ops_(std::move(ops)),
        config_(config),
        layout_(Version::Layout(config)),
        slots_(ops_.get(), InitialState(loader, catalog), slots_max),
        scratch_(ops_.get()),
        heads_(ops_.get(), config, loader) {
    table_ =
        loader.GetTable("emb.weight", config.vocabulary_size, config.width);
    ln0_ = BindNorm(loader, "blocks.0.ln0");
    for (int l = 0; l < config.layers; ++l) {
      ln1_.push_back(BindNorm(loader, absl::StrCat("blocks.", l, ".ln1")));
      BlockLoader block(loader, catalog, config, l);
      layers_.push_back(Version::Bind(block, config));
      ln2_.push_back(BindNorm(loader, absl::StrCat("blocks.", l, ".ln2")));
    }
    ln_out_ = BindNorm(loader, "ln_out");
    x_ = scratch_.Add(config.width);
    in_ = scratch_.Add(config.width);
    work_ =
        std::make_unique<typename Version::Work>(ops_.get(), config_, layers_);
  }

  const StateLayout& layout() const { return layout_; }
  void SetInfo(ModelInfo info) { info_ = std::move(info); }

  const ModelInfo& info() const override { return info_; }
  absl::StatusOr<StateSlot> NewState() override { return slots_.New(); }
  void FreeState(StateSlot slot) override { slots_.Free(slot); }
  void ResetState(StateSlot slot) override { slots_.Reset(slot); }
  void CopyState(StateSlot to, StateSlot from) override {
    slots_.Copy(to, from);
  }
  void ReadState(StateSlot slot, absl::Span<char> bytes) const override {
    slots_.Read(slot, bytes);
  }
  absl::Status WriteState(StateSlot slot,
                          absl::Span<const char> bytes) override {
    return slots_.Write(slot, bytes);
  }

  void Step(const Batch& batch, absl::Span<float> hidden) override {
    CheckBatch(batch, config_, hidden.size());
    std::vector<float*> states;
    for (StateSlot slot : batch.slots) states.push_back(slots_.Get(slot));
    const Sequences sequences{batch.row_end, states};

    scratch_.Resize(static_cast<int>(batch.tokens.size()));
    work_->Resize(static_cast<int>(batch.tokens.size()));
    const Rows x = scratch_.Get(x_), in = scratch_.Get(in_);
    ops_->Gather(x, table_, batch.tokens);
    ApplyNorm(x, x, ln0_);
    for (int l = 0; l < config_.layers; ++l) {
      const LayerContext context{*ops_, config_, layout_, sequences, l, x, in};
      ApplyNorm(in, x, ln1_[l]);
      Version::TimeMix(context, layers_[l], *work_);
      ApplyNorm(in, x, ln2_[l]);
      Version::ChannelMix(context, layers_[l], *work_);
    }
    ApplyNorm(in, x, ln_out_);

    for (size_t b = 0; b < states.size(); ++b) {
      ops_->Copy(states[b] + layout_.Hidden(), in.row(batch.row_end[b] - 1),
                 config_.width);
    }
    for (size_t i = 0; i < batch.hidden_rows.size(); ++i) {
      ops_->Read(hidden.subspan(i * config_.width, config_.width),
                 in.row(batch.hidden_rows[i]));
    }
  }

  void HiddenOf(StateSlot slot, absl::Span<float> hidden) const override {
    OXBOW_CHECK(static_cast<int>(hidden.size()) == config_.width);
    ops_->Read(hidden, slots_.Get(slot) + layout_.Hidden());
  }

  void Logits(absl::Span<const float> hidden,
              absl::Span<float> logits) override {
    heads_.Logits(hidden, logits);
  }

  void EmbeddingHead(const std::string& head, absl::Span<const float> hidden,
                     absl::Span<float> embedding) override {
    heads_.Embed(head, hidden, embedding);
  }

  void RankLogits(absl::Span<const float> hidden,
                  absl::Span<float> logits) override {
    heads_.RankLogits(hidden, logits);
  }

 private:
  std::vector<float> InitialState(WeightLoader& loader,
                                  const TensorCatalog& catalog) const {
    std::vector<float> initial(layout_.count(), 0.0f);
    for (int l = 0; l < config_.layers; ++l) {
      BlockLoader block(loader, catalog, config_, l);
      const std::vector<float> wkv = Version::InitialWkv(block, config_);
      std::copy(wkv.begin(), wkv.end(), initial.begin() + layout_.Wkv(l));
    }
    return initial;
  }
  LayerNorm BindNorm(WeightLoader& loader, const std::string& name) const {
    return {loader.GetVector(name + ".weight", {config_.width}),
            loader.GetVector(name + ".bias", {config_.width})};
  }
  void ApplyNorm(Rows y, Rows x, const LayerNorm& norm) {
    ops_->Norm(y, x, norm.scale, norm.bias, kLayerNormEps);
  }

  const std::unique_ptr<Ops> ops_;  // Outlives all that borrows it below.
  const ModelConfig config_;
  const StateLayout layout_;
  ModelInfo info_;
  StateSlots slots_;
  Scratch scratch_;
  int x_, in_;  // rows of scratch_
  Heads heads_;
  Table table_;
  LayerNorm ln0_, ln_out_;
  std::vector<LayerNorm> ln1_, ln2_;  // [L]
  std::vector<typename Version::Layer> layers_;
  std::unique_ptr<typename Version::Work> work_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_RWKV_MODEL_H_
