// The channel mixing of RWKV-4, 5 and 6.
#ifndef OXBOW_ENGINE_MODEL_GATED_CHANNEL_MIX_H_
#define OXBOW_ENGINE_MODEL_GATED_CHANNEL_MIX_H_

#include "engine/model/block_loader.h"
#include "engine/model/layer_context.h"
#include "engine/model/model_config.h"
#include "engine/model/scratch.h"
#include "kernels/ops.h"

namespace oxbow {

//   x += sigmoid(receptance xr) * (value relu(key xk)^2)
// where xk and xr are lerps of the row with the row before. Owns the rows in
// between. Thread-compatible.
class GatedChannelMix {
 public:
  struct Layer {
    Vector x_k, x_r;  // shares of the past
    Matrix receptance, key, value;
  };

  GatedChannelMix(Ops* ops, const ModelConfig& config);

  // All but the shares, which versions store in their own ways.
  static Layer Bind(BlockLoader& block, const ModelConfig& config, Vector x_k,
                    Vector x_r);

  void Resize(int rows) { scratch_.Resize(rows); }
  void Run(const LayerContext& context, const Layer& p) const;

 private:
  Scratch scratch_;
  int mixed_k_, mixed_r_, r_, k_, v_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_GATED_CHANNEL_MIX_H_
