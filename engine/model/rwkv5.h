// RWKV-5 ("Eagle"): what one of its layers weighs and does (arXiv 2404.05892).
#ifndef OXBOW_ENGINE_MODEL_RWKV5_H_
#define OXBOW_ENGINE_MODEL_RWKV5_H_

#include <vector>

#include "engine/model/block_loader.h"
#include "engine/model/gated_channel_mix.h"
#include "engine/model/layer_context.h"
#include "engine/model/model_config.h"
#include "engine/model/scratch.h"
#include "engine/model/state_layout.h"
#include "kernels/ops.h"

namespace oxbow {

// A description of 5.0, 5.1 and 5.2, for RwkvModel. 5.0 has no gate; before
// 5.2 a head has one decay and one bonus, which Bind gives to all its channels.
struct Rwkv5 {
  struct Layer {
    Vector x_k, x_v, x_r, x_g;  // shares of the past
    Matrix receptance, key, value, gate, output;
    bool is_gated = false;  // else without x_g and gate
    Vector decay, u;        // [D] exp(-exp(time_decay)), bonus
    Vector ln_x_scale, ln_x_bias;
    GatedChannelMix::Layer ffn;
  };

  // Rows between the ops.
  class Work {
   public:
    Work(Ops* ops, const ModelConfig& config, const std::vector<Layer>& layers);
    void Resize(int rows);
    Rows Get(int index) const { return scratch_.Get(index); }
    const GatedChannelMix& ffn() const { return ffn_; }

    int mixed_k, mixed_v, mixed_r, mixed_g, r, k, v, g, y;

   private:
    Scratch scratch_;
    GatedChannelMix ffn_;
  };

  // The weights of one layer. Errors stay in the loader.
  static Layer Bind(BlockLoader& block, const ModelConfig& config);
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

#endif  // OXBOW_ENGINE_MODEL_RWKV5_H_
