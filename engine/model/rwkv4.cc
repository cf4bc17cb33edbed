#include "engine/model/rwkv4.h"

#include <algorithm>

#include "engine/model/own_exp.h"

namespace oxbow {

Rwkv4::Layer Rwkv4::Bind(BlockLoader& block, const ModelConfig& config) {
  Layer p;
  p.x_k = block.GetPastShare("att.time_mix_k");
  p.x_v = block.GetPastShare("att.time_mix_v");
  p.x_r = block.GetPastShare("att.time_mix_r");
  p.receptance = block.GetSquare("att.receptance.weight");
  p.key = block.GetSquare("att.key.weight");
  p.value = block.GetSquare("att.value.weight");
  p.output = block.GetSquare("att.output.weight");
  p.w = block.GetVector("att.time_decay", [](float decay) {
    return static_cast<float>(-OwnExp(decay));
  });
  p.u = block.GetVector("att.time_first");
  p.ffn =
      GatedChannelMix::Bind(block, config, block.GetPastShare("ffn.time_mix_k"),
                            block.GetPastShare("ffn.time_mix_r"));
  return p;
}

StateLayout Rwkv4::Layout(const ModelConfig& config) {
  return StateLayout(config, int64_t{3} * config.width, "aa,bb,pp");
}

std::vector<float> Rwkv4::InitialWkv(BlockLoader& /*block*/,
                                     const ModelConfig& config) {
  std::vector<float> initial(size_t{3} * config.width, 0.0f);
  std::fill(initial.begin() + 2 * config.width, initial.end(), -1e30f);
  return initial;
}

Rwkv4::Work::Work(Ops* ops, const ModelConfig& config,
                  const std::vector<Layer>& /*layers*/)
    : scratch_(ops), ffn_(ops, config) {
  for (int* rows : {&mixed_k, &mixed_v, &mixed_r, &r, &k, &v, &y}) {
    *rows = scratch_.Add(config.width);
  }
}

void Rwkv4::Work::Resize(int rows) {
  scratch_.Resize(rows);
  ffn_.Resize(rows);
}

void Rwkv4::TimeMix(const LayerContext& context, const Layer& p, Work& t) {
  Ops& ops = context.ops;
  ops.ShiftMix({{t.Get(t.mixed_k), p.x_k},
                {t.Get(t.mixed_v), p.x_v},
                {t.Get(t.mixed_r), p.x_r}},
               context.in, context.sequences,
               context.layout.TimeShift(context.layer));
  Wkv4Args args;
  args.y = t.Get(t.y);
  args.r = t.Get(t.r);
  args.k = t.Get(t.k);
  args.v = t.Get(t.v);
  args.w = p.w;
  args.u = p.u;
  ops.Multiply({{args.r, t.Get(t.mixed_r), p.receptance, Activation::kSigmoid},
                {args.k, t.Get(t.mixed_k), p.key},
                {args.v, t.Get(t.mixed_v), p.value}});
  ops.Wkv4(args, context.sequences, context.layout.Wkv(context.layer));
  ops.Multiply(
      {{context.x, args.y, p.output, Activation::kNone, /*add=*/true}});
}

void Rwkv4::ChannelMix(const LayerContext& context, const Layer& p, Work& t) {
  t.ffn().Run(context, p.ffn);
}

}  // namespace oxbow
