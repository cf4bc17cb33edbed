#include "engine/model/rwkv7.h"

#include <algorithm>

namespace oxbow {
namespace {

// Layers after the first lean toward the first layer's values.
bool Leans(const LayerContext& context) { return context.layer > 0; }

// The first layer's values go where the others will look for them.
Rows Values(const LayerContext& context, const Rwkv7::Work& t) {
  return t.Get(Leans(context) ? t.v : t.v_first);
}

// r, k, v and the four low-rank pairs of the mixed rows.
void Project(const LayerContext& context, const Rwkv7::Layer& p,
             const Rwkv7::Work& t) {
  const Rows w_low = t.Get(t.w_low, p.w.rank());
  const Rows a_low = t.Get(t.a_low, p.a.rank());
  const Rows v_low = t.Get(t.v_low, p.v.rank());
  const Rows g_low = t.Get(t.g_low, p.g.rank());
  // The pair of v comes last: the first layer has none.
  const Product down[] = {
      {t.Get(t.r), t.Get(t.mixed_r), p.receptance},
      {t.Get(t.k), t.Get(t.mixed_k), p.key},
      {Values(context, t), t.Get(t.mixed_v), p.value},
      {w_low, t.Get(t.mixed_w), p.w.down, Activation::kTanh},
      {a_low, t.Get(t.mixed_a), p.a.down},
      {g_low, t.Get(t.mixed_g), p.g.down, Activation::kSigmoid},
      {v_low, t.Get(t.mixed_v), p.v.down}};
  context.ops.Multiply(absl::MakeSpan(down, Leans(context) ? 7 : 6));
  const Product up[] = {{t.Get(t.w), w_low, p.w.up},
                        {t.Get(t.a), a_low, p.a.up},
                        {t.Get(t.g), g_low, p.g.up},
                        {t.Get(t.v_gate), v_low, p.v.up}};
  context.ops.Multiply(absl::MakeSpan(up, Leans(context) ? 4 : 3));
}

Wkv7Args HeadArgs(const LayerContext& context, const Rwkv7::Layer& p,
                  const Rwkv7::Work& t) {
  Wkv7Args args;
  args.y = t.Get(t.y);
  args.r = t.Get(t.r);
  args.k = t.Get(t.k);
  args.v = Values(context, t);
  args.w = t.Get(t.w);
  args.a = t.Get(t.a);
  args.g = t.Get(t.g);
  args.v_first = t.Get(t.v_first);
  args.v_gate = t.Get(t.v_gate);
  args.w0 = p.w0;
  args.a0 = p.a0;
  args.v0 = p.v0;
  args.k_k = p.k_k;
  args.k_a = p.k_a;
  args.r_k = p.r_k;
  args.norm_scale = p.ln_x_scale;
  args.norm_bias = p.ln_x_bias;
  args.head_size = context.config.head_size;
  args.leans = Leans(context);
  return args;
}

// All that lead down before all that lead up, as Project() multiplies them.
void BindLowRanks(BlockLoader& block, Rwkv7::Layer& p) {
  const bool leans = block.layer() > 0;
  p.w.down = block.GetDown("att.w1");
  p.a.down = block.GetDown("att.a1");
  p.g.down = block.GetDown("att.g1");
  if (leans) p.v.down = block.GetDown("att.v1");
  p.w.up = block.GetUp("att.w2", p.w.rank());
  p.a.up = block.GetUp("att.a2", p.a.rank());
  p.g.up = block.GetUp("att.g2", p.g.rank());
  if (leans) p.v.up = block.GetUp("att.v2", p.v.rank());
}

}  // namespace

Rwkv7::Layer Rwkv7::Bind(BlockLoader& block, const ModelConfig& config) {
  Layer p;
  p.x_r = block.GetVector("att.x_r");
  p.x_w = block.GetVector("att.x_w");
  p.x_k = block.GetVector("att.x_k");
  p.x_v = block.GetVector("att.x_v");
  p.x_a = block.GetVector("att.x_a");
  p.x_g = block.GetVector("att.x_g");
  p.receptance = block.GetSquare("att.receptance.weight");
  p.key = block.GetSquare("att.key.weight");
  p.value = block.GetSquare("att.value.weight");
  BindLowRanks(block, p);
  p.output = block.GetSquare("att.output.weight");
  p.w0 = block.GetVector("att.w0");
  p.a0 = block.GetVector("att.a0");
  if (block.layer() > 0) {
    p.v0 = block.GetVector("att.v0");
  } else {
    // Files hold them or not; either way they are unused.
    for (const char* name : {"att.v0", "att.v1", "att.v2"}) block.Ignore(name);
  }
  p.k_k = block.GetVector("att.k_k");
  p.k_a = block.GetVector("att.k_a");
  p.r_k = block.GetHeads("att.r_k");
  p.ln_x_scale = block.GetVector("att.ln_x.weight");
  p.ln_x_bias = block.GetVector("att.ln_x.bias");
  p.ffn_x_k = block.GetVector("ffn.x_k");
  p.ffn_key = block.GetMatrix("ffn.key.weight", config.ffn_width, config.width);
  p.ffn_value =
      block.GetMatrix("ffn.value.weight", config.width, config.ffn_width);
  return p;
}

StateLayout Rwkv7::Layout(const ModelConfig& config) {
  return StateLayout::OfHeads(config);
}

std::vector<float> Rwkv7::InitialWkv(BlockLoader& block,
                                     const ModelConfig& /*config*/) {
  return block.InitialHeads();
}

Rwkv7::Work::Work(Ops* ops, const ModelConfig& config,
                  const std::vector<Layer>& layers)
    : scratch_(ops) {
  for (int* rows : {&mixed_r, &mixed_w, &mixed_k, &mixed_v, &mixed_a, &mixed_g,
                    &r, &k, &v, &w, &a, &g, &v_first, &v_gate, &y}) {
    *rows = scratch_.Add(config.width);
  }
  int w_rank = 1, a_rank = 1, v_rank = 1, g_rank = 1;
  for (const Layer& layer : layers) {
    w_rank = std::max(w_rank, layer.w.rank());
    a_rank = std::max(a_rank, layer.a.rank());
    v_rank = std::max(v_rank, layer.v.rank());
    g_rank = std::max(g_rank, layer.g.rank());
  }
  w_low = scratch_.Add(w_rank);
  a_low = scratch_.Add(a_rank);
  v_low = scratch_.Add(v_rank);
  g_low = scratch_.Add(g_rank);
  ffn = scratch_.Add(config.ffn_width);
}

Rows Rwkv7::Work::Get(int index, int width) const {
  Rows rows = scratch_.Get(index);
  rows.width = width;
  return rows;
}

void Rwkv7::TimeMix(const LayerContext& context, const Layer& p, Work& t) {
  Ops& ops = context.ops;
  ops.ShiftMix({{t.Get(t.mixed_r), p.x_r},
                {t.Get(t.mixed_w), p.x_w},
                {t.Get(t.mixed_k), p.x_k},
                {t.Get(t.mixed_v), p.x_v},
                {t.Get(t.mixed_a), p.x_a},
                {t.Get(t.mixed_g), p.x_g}},
               context.in, context.sequences,
               context.layout.TimeShift(context.layer));
  Project(context, p, t);
  const Wkv7Args args = HeadArgs(context, p, t);
  ops.Wkv7(args, context.sequences, context.layout.Wkv(context.layer));
  ops.Multiply(
      {{context.x, args.y, p.output, Activation::kNone, /*add=*/true}});
}

void Rwkv7::ChannelMix(const LayerContext& context, const Layer& p, Work& t) {
  Ops& ops = context.ops;
  const Rows mixed = t.Get(t.mixed_k), ffn = t.Get(t.ffn);
  ops.ShiftMix({{mixed, p.ffn_x_k}}, context.in, context.sequences,
               context.layout.ChannelShift(context.layer));
  ops.Multiply({{ffn, mixed, p.ffn_key, Activation::kReluSquared}});
  ops.Multiply(
      {{context.x, ffn, p.ffn_value, Activation::kNone, /*add=*/true}});
}

}  // namespace oxbow
