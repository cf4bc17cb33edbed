#include "engine/model/rwkv5.h"

#include "engine/model/own_exp.h"

namespace oxbow {
namespace {

float DecayOf(float time_decay) {
  return static_cast<float>(OwnExp(-OwnExp(time_decay)));
}

// Old files have the logarithm of the bonus, under a name of its own.
Vector BindBonus(BlockLoader& block) {
  if (block.Has("att.time_faaaa")) {
    return block.GetHeads("att.time_faaaa");
  }
  return block.GetHeads("att.time_first", [](float log_u) {
    return static_cast<float>(OwnExp(log_u));
  });
}

}  // namespace

Rwkv5::Layer Rwkv5::Bind(BlockLoader& block, const ModelConfig& config) {
  Layer p;
  p.x_k = block.GetPastShare("att.time_mix_k");
  p.x_v = block.GetPastShare("att.time_mix_v");
  p.x_r = block.GetPastShare("att.time_mix_r");
  p.receptance = block.GetSquare("att.receptance.weight");
  p.key = block.GetSquare("att.key.weight");
  p.value = block.GetSquare("att.value.weight");
  p.is_gated = block.Has("att.gate.weight");
  if (p.is_gated) {
    p.x_g = block.GetPastShare("att.time_mix_g");
    p.gate = block.GetSquare("att.gate.weight");
  }
  p.output = block.GetSquare("att.output.weight");
  p.decay = block.GetHeads("att.time_decay", DecayOf);
  p.u = BindBonus(block);
  p.ln_x_scale = block.GetVector("att.ln_x.weight");
  p.ln_x_bias = block.GetVector("att.ln_x.bias");
  p.ffn =
      GatedChannelMix::Bind(block, config, block.GetPastShare("ffn.time_mix_k"),
                            block.GetPastShare("ffn.time_mix_r"));
  return p;
}

StateLayout Rwkv5::Layout(const ModelConfig& config) {
  return StateLayout::OfHeads(config);
}

std::vector<float> Rwkv5::InitialWkv(BlockLoader& block,
                                     const ModelConfig& /*config*/) {
  return block.InitialHeads();
}

Rwkv5::Work::Work(Ops* ops, const ModelConfig& config,
                  const std::vector<Layer>& /*layers*/)
    : scratch_(ops), ffn_(ops, config) {
  for (int* rows :
       {&mixed_k, &mixed_v, &mixed_r, &mixed_g, &r, &k, &v, &g, &y}) {
    *rows = scratch_.Add(config.width);
  }
}

void Rwkv5::Work::Resize(int rows) {
  scratch_.Resize(rows);
  ffn_.Resize(rows);
}

void Rwkv5::TimeMix(const LayerContext& context, const Layer& p, Work& t) {
  Ops& ops = context.ops;
  // What has to do with the gate comes last: 5.0 has none.
  const Mix mixes[] = {{t.Get(t.mixed_k), p.x_k},
                       {t.Get(t.mixed_v), p.x_v},
                       {t.Get(t.mixed_r), p.x_r},
                       {t.Get(t.mixed_g), p.x_g}};
  ops.ShiftMix(absl::MakeSpan(mixes, p.is_gated ? 4 : 3), context.in,
               context.sequences, context.layout.TimeShift(context.layer));
  Wkv6Args args;
  args.y = t.Get(t.y);
  args.r = t.Get(t.r);
  args.k = t.Get(t.k);
  args.v = t.Get(t.v);
  if (p.is_gated) args.g = t.Get(t.g);
  args.decay = p.decay;
  args.u = p.u;
  args.norm_scale = p.ln_x_scale;
  args.norm_bias = p.ln_x_bias;
  args.head_size = context.config.head_size;
  const Product products[] = {
      {args.r, t.Get(t.mixed_r), p.receptance},
      {args.k, t.Get(t.mixed_k), p.key},
      {args.v, t.Get(t.mixed_v), p.value},
      {args.g, t.Get(t.mixed_g), p.gate, Activation::kSilu}};
  ops.Multiply(absl::MakeSpan(products, p.is_gated ? 4 : 3));
  ops.Wkv6(args, context.sequences, context.layout.Wkv(context.layer));
  ops.Multiply(
      {{context.x, args.y, p.output, Activation::kNone, /*add=*/true}});
}

void Rwkv5::ChannelMix(const LayerContext& context, const Layer& p, Work& t) {
  t.ffn().Run(context, p.ffn);
}

}  // namespace oxbow
