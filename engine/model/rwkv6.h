// RWKV-6 ("x060", "Finch"): what one of its layers weighs and does (arXiv
// 2404.05892).
#ifndef OXBOW_ENGINE_MODEL_RWKV6_H_
#define OXBOW_ENGINE_MODEL_RWKV6_H_

#include <vector>

#include "engine/model/block_loader.h"
#include "engine/model/gated_channel_mix.h"
#include "engine/model/layer_context.h"
#include "engine/model/low_rank.h"
#include "engine/model/model_config.h"
#include "engine/model/scratch.h"
#include "engine/model/state_layout.h"
#include "kernels/ops.h"

namespace oxbow {

// A description of a version, for RwkvModel. How far each input leans toward
// the row before depends on the row: five low-rank products of one lerp.
struct Rwkv6 {
  // The inputs that lean, in the order of time_maa_w1 and time_maa_w2.
  enum Input { kW, kK, kV, kR, kG, kInputs };

  struct Layer {
    Vector x_x;                // of the lerp that the others come from
    Vector x[kInputs];         // what all rows lean, and what each adds:
    Matrix x_down;             // [kInputs * rank, D]
    std::vector<Matrix> x_up;  // [kInputs] of [D, rank]
    Matrix receptance, key, value, gate, output;
    Vector w0, u;  // [D] time_decay, time_faaaa
    LowRank w;
    Vector ln_x_scale, ln_x_bias;
    GatedChannelMix::Layer ffn;
  };

  // Rows between the ops; those of low rank are as wide as the widest layer.
  class Work {
   public:
    Work(Ops* ops, const ModelConfig& config, const std::vector<Layer>& layers);
    void Resize(int rows);
    Rows Get(int index) const { return scratch_.Get(index); }
    // `width` channels of rows from `first` on.
    Rows Get(int index, int first, int width) const;
    const GatedChannelMix& ffn() const { return ffn_; }

    int mixed[kInputs], more[kInputs];
    int mixed_x, x_low, w_low, w, r, k, v, g, y;

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

#endif  // OXBOW_ENGINE_MODEL_RWKV6_H_
