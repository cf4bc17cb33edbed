// RWKV-4: what one of its layers weighs and does (arXiv 2305.13048).
#ifndef OXBOW_ENGINE_MODEL_RWKV4_H_
#define OXBOW_ENGINE_MODEL_RWKV4_H_

#include <vector>

#include "engine/model/block_loader.h"
#include "engine/model/gated_channel_mix.h"
#include "engine/model/layer_context.h"
#include "engine/model/model_config.h"
#include "engine/model/scratch.h"
#include "engine/model/state_layout.h"
#include "kernels/ops.h"

namespace oxbow {

// A description of a version, for RwkvModel. It has no heads: each channel
// remembers a weighted mean of its values.
struct Rwkv4 {
  struct Layer {
    Vector x_k, x_v, x_r;  // shares of the past
    Matrix receptance, key, value, output;
    Vector w, u;  // -exp(time_decay), time_first
    GatedChannelMix::Layer ffn;
  };

  // Rows between the ops.
  class Work {
   public:
    Work(Ops* ops, const ModelConfig& config, const std::vector<Layer>& layers);
    void Resize(int rows);
    Rows Get(int index) const { return scratch_.Get(index); }
    const GatedChannelMix& ffn() const { return ffn_; }

    int mixed_k, mixed_v, mixed_r, r, k, v, y;

   private:
    Scratch scratch_;
    GatedChannelMix ffn_;
  };

  // The weights of one layer. Errors stay in the loader.
  static Layer Bind(BlockLoader& block, const ModelConfig& config);
  // aa [D], bb [D], pp [D] before the first token: pp is -1e30, so that the
  // past weighs nothing.
  static StateLayout Layout(const ModelConfig& config);
  static std::vector<float> InitialWkv(BlockLoader& block,
                                       const ModelConfig& config);

  // x += time mixing of in.
  static void TimeMix(const LayerContext& context, const Layer& layer,
                      Work& work);
  // x += channel mixing of in.
  static void ChannelMix(const LayerContext& context, const Layer& layer,
                         Work& work);
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_RWKV4_H_
