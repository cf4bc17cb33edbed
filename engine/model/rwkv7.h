// RWKV-7 ("x070", "Goose"): what one of its layers weighs and does (arXiv
// 2503.14456).
#ifndef OXBOW_ENGINE_MODEL_RWKV7_H_
#define OXBOW_ENGINE_MODEL_RWKV7_H_

#include <vector>

#include "engine/model/block_loader.h"
#include "engine/model/layer_context.h"
#include "engine/model/low_rank.h"
#include "engine/model/model_config.h"
#include "engine/model/scratch.h"
#include "engine/model/state_layout.h"
#include "kernels/ops.h"

namespace oxbow {

// A description of a version, for RwkvModel. Tensors bear their paper names.
struct Rwkv7 {
  struct Layer {
    // Time mixing.
    Vector x_r, x_w, x_k, x_v, x_a, x_g;
    Matrix receptance, key, value, output;
    Vector w0, a0, v0;
    LowRank w, a, v, g;  // The first layer has no v0 and v.
    Vector k_k, k_a, r_k;
    Vector ln_x_scale, ln_x_bias;
    // Channel mixing.
    Vector ffn_x_k;
    Matrix ffn_key, ffn_value;
  };

  // Rows between the ops; those of low rank are as wide as the widest layer.
  class Work {
   public:
    Work(Ops* ops, const ModelConfig& config, const std::vector<Layer>& layers);

    void Resize(int rows) { scratch_.Resize(rows); }
    Rows Get(int index) const { return scratch_.Get(index); }
    // The first `width` channels of rows.
    Rows Get(int index, int width) const;

    int mixed_r, mixed_w, mixed_k, mixed_v, mixed_a, mixed_g;
    int r, k, v, w, a, g, v_first, v_gate, y;
    int w_low, a_low, v_low, g_low;
    int ffn;

   private:
    Scratch scratch_;
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

#endif  // OXBOW_ENGINE_MODEL_RWKV7_H_
