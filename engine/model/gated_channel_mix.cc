#include "engine/model/gated_channel_mix.h"

namespace oxbow {

GatedChannelMix::GatedChannelMix(Ops* ops, const ModelConfig& config)
    : scratch_(ops) {
  for (int* rows : {&mixed_k_, &mixed_r_, &r_, &v_}) {
    *rows = scratch_.Add(config.width);
  }
  k_ = scratch_.Add(config.ffn_width);
}

GatedChannelMix::Layer GatedChannelMix::Bind(BlockLoader& block,
                                             const ModelConfig& config,
                                             Vector x_k, Vector x_r) {
  Layer p;
  p.x_k = x_k;
  p.x_r = x_r;
  p.key = block.GetMatrix("ffn.key.weight", config.ffn_width, config.width);
  p.receptance = block.GetSquare("ffn.receptance.weight");
  p.value = block.GetMatrix("ffn.value.weight", config.width, config.ffn_width);
  return p;
}

void GatedChannelMix::Run(const LayerContext& context, const Layer& p) const {
  Ops& ops = context.ops;
  const Rows mixed_k = scratch_.Get(mixed_k_), mixed_r = scratch_.Get(mixed_r_);
  const Rows r = scratch_.Get(r_), k = scratch_.Get(k_), v = scratch_.Get(v_);
  ops.ShiftMix({{mixed_k, p.x_k}, {mixed_r, p.x_r}}, context.in,
               context.sequences, context.layout.ChannelShift(context.layer));
  ops.Multiply({{k, mixed_k, p.key, Activation::kReluSquared},
                {r, mixed_r, p.receptance, Activation::kSigmoid}});
  ops.Multiply({{v, k, p.value}});
  ops.AddGated(context.x, r, v);
}

}  // namespace oxbow
