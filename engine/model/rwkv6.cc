#include "engine/model/rwkv6.h"

#include <algorithm>

namespace oxbow {
namespace {

// The mixed rows: a first lerp says by how much each input leans.
void MixInputs(const LayerContext& context, const Rwkv6::Layer& p,
               const Rwkv6::Work& t) {
  Ops& ops = context.ops;
  const int64_t shift = context.layout.TimeShift(context.layer);
  const int rank = p.x_down.outputs / Rwkv6::kInputs;
  const Rows low = t.Get(t.x_low, 0, p.x_down.outputs);
  ops.PeekMix({{t.Get(t.mixed_x), p.x_x}}, context.in, context.sequences,
              shift);
  ops.Multiply({{low, t.Get(t.mixed_x), p.x_down, Activation::kTanh}});
  std::vector<Product> products;
  std::vector<Mix> mixes;
  for (int i = 0; i < Rwkv6::kInputs; ++i) {
    const Rows more = t.Get(t.more[i]);
    products.push_back({more, t.Get(t.x_low, i * rank, rank), p.x_up[i]});
    mixes.push_back({t.Get(t.mixed[i]), p.x[i], more});
  }
  ops.Multiply(products);
  ops.ShiftMix(mixes, context.in, context.sequences, shift);
}

}  // namespace

Rwkv6::Layer Rwkv6::Bind(BlockLoader& block, const ModelConfig& config) {
  Layer p;
  p.x_x = block.GetVector("att.time_maa_x");
  p.x[kW] = block.GetVector("att.time_maa_w");
  p.x[kK] = block.GetVector("att.time_maa_k");
  p.x[kV] = block.GetVector("att.time_maa_v");
  p.x[kR] = block.GetVector("att.time_maa_r");
  p.x[kG] = block.GetVector("att.time_maa_g");
  const int rank = block.SizeOf("att.time_maa_w2", 1);
  p.x_down = block.GetDown("att.time_maa_w1", kInputs * rank);
  p.x_up = block.GetUps("att.time_maa_w2", kInputs, rank);
  p.receptance = block.GetSquare("att.receptance.weight");
  p.key = block.GetSquare("att.key.weight");
  p.value = block.GetSquare("att.value.weight");
  p.gate = block.GetSquare("att.gate.weight");
  p.w = block.GetLowRank("att.time_decay_w1", "att.time_decay_w2");
  p.output = block.GetSquare("att.output.weight");
  p.w0 = block.GetVector("att.time_decay");
  p.u = block.GetHeads("att.time_faaaa");
  p.ln_x_scale = block.GetVector("att.ln_x.weight");
  p.ln_x_bias = block.GetVector("att.ln_x.bias");
  p.ffn =
      GatedChannelMix::Bind(block, config, block.GetVector("ffn.time_maa_k"),
                            block.GetVector("ffn.time_maa_r"));
  return p;
}

StateLayout Rwkv6::Layout(const ModelConfig& config) {
  return StateLayout::OfHeads(config);
}

std::vector<float> Rwkv6::InitialWkv(BlockLoader& block,
                                     const ModelConfig& /*config*/) {
  return block.InitialHeads();
}

Rwkv6::Work::Work(Ops* ops, const ModelConfig& config,
                  const std::vector<Layer>& layers)
    : scratch_(ops), ffn_(ops, config) {
  for (int* rows : {&mixed_x, &w, &r, &k, &v, &g, &y}) {
    *rows = scratch_.Add(config.width);
  }
  for (int i = 0; i < kInputs; ++i) {
    mixed[i] = scratch_.Add(config.width);
    more[i] = scratch_.Add(config.width);
  }
  int x_rank = 1, w_rank = 1;
  for (const Layer& layer : layers) {
    x_rank = std::max(x_rank, layer.x_down.outputs);
    w_rank = std::max(w_rank, layer.w.rank());
  }
  x_low = scratch_.Add(x_rank);
  w_low = scratch_.Add(w_rank);
}

void Rwkv6::Work::Resize(int rows) {
  scratch_.Resize(rows);
  ffn_.Resize(rows);
}

Rows Rwkv6::Work::Get(int index, int first, int width) const {
  Rows rows = scratch_.Get(index);
  rows.data += first;
  rows.width = width;
  return rows;
}

void Rwkv6::TimeMix(const LayerContext& context, const Layer& p, Work& t) {
  Ops& ops = context.ops;
  MixInputs(context, p, t);
  Wkv6Args args;
  args.y = t.Get(t.y);
  args.r = t.Get(t.r);
  args.k = t.Get(t.k);
  args.v = t.Get(t.v);
  args.w = t.Get(t.w);
  args.g = t.Get(t.g);
  args.w0 = p.w0;
  args.u = p.u;
  args.norm_scale = p.ln_x_scale;
  args.norm_bias = p.ln_x_bias;
  args.head_size = context.config.head_size;
  const Rows w_low = t.Get(t.w_low, 0, p.w.rank());
  ops.Multiply({{args.r, t.Get(t.mixed[kR]), p.receptance},
                {args.k, t.Get(t.mixed[kK]), p.key},
                {args.v, t.Get(t.mixed[kV]), p.value},
                {args.g, t.Get(t.mixed[kG]), p.gate, Activation::kSilu},
                {w_low, t.Get(t.mixed[kW]), p.w.down, Activation::kTanh}});
  ops.Multiply({{args.w, w_low, p.w.up}});
  ops.Wkv6(args, context.sequences, context.layout.Wkv(context.layer));
  ops.Multiply(
      {{context.x, args.y, p.output, Activation::kNone, /*add=*/true}});
}

void Rwkv6::ChannelMix(const LayerContext& context, const Layer& p, Work& t) {
  t.ffn().Run(context, p.ffn);
}

}  // namespace oxbow
