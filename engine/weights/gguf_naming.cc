// The names of llama.cpp's GGUF files, as its convert_hf_to_gguf.py writes
// them. It transposes BlinkDL's low-rank matrices (the pairs of RWKV-7, and
// RWKV-6's time_maa_w1 and w2, time_decay_w1 and w2), stacks the mixes, and
// divides RWKV-6's outputs by powers of two, so that fp16 does not overflow.
// Shapes here are row-major; GGUF lists them backwards.
#include "engine/weights/naming.h"

namespace oxbow {
namespace {

constexpr NameRule kRules6[] = {
    {"token_embd.weight", "emb.weight"},
    {"token_embd_norm.weight", "blocks.0.ln0.weight"},
    {"token_embd_norm.bias", "blocks.0.ln0.bias"},
    {"output_norm.weight", "ln_out.weight"},
    {"output_norm.bias", "ln_out.bias"},
    {"output.weight", "head.weight"},
    {"blk.#.attn_norm.weight", "blocks.#.ln1.weight"},
    {"blk.#.attn_norm.bias", "blocks.#.ln1.bias"},
    {"blk.#.attn_norm_2.weight", "blocks.#.ln2.weight"},
    {"blk.#.attn_norm_2.bias", "blocks.#.ln2.bias"},
    {"blk.#.time_mix_lerp_x.weight", "blocks.#.att.time_maa_x"},
    {"blk.#.time_mix_lerp_fused.weight", "blocks.#.att.time_maa_w",
     Storage::kPart, 0, 5},
    {"blk.#.time_mix_lerp_fused.weight", "blocks.#.att.time_maa_k",
     Storage::kPart, 1, 5},
    {"blk.#.time_mix_lerp_fused.weight", "blocks.#.att.time_maa_v",
     Storage::kPart, 2, 5},
    {"blk.#.time_mix_lerp_fused.weight", "blocks.#.att.time_maa_r",
     Storage::kPart, 3, 5},
    {"blk.#.time_mix_lerp_fused.weight", "blocks.#.att.time_maa_g",
     Storage::kPart, 4, 5},
    // Files of 2024 have the five apart.
    {"blk.#.time_mix_lerp_w.weight", "blocks.#.att.time_maa_w"},
    {"blk.#.time_mix_lerp_k.weight", "blocks.#.att.time_maa_k"},
    {"blk.#.time_mix_lerp_v.weight", "blocks.#.att.time_maa_v"},
    {"blk.#.time_mix_lerp_r.weight", "blocks.#.att.time_maa_r"},
    {"blk.#.time_mix_lerp_g.weight", "blocks.#.att.time_maa_g"},
    {"blk.#.time_mix_w1.weight", "blocks.#.att.time_maa_w1",
     Storage::kTransposed},
    {"blk.#.time_mix_w2.weight", "blocks.#.att.time_maa_w2",
     Storage::kTransposed},
    {"blk.#.time_mix_decay.weight", "blocks.#.att.time_decay"},
    {"blk.#.time_mix_decay_w1.weight", "blocks.#.att.time_decay_w1",
     Storage::kTransposed},
    {"blk.#.time_mix_decay_w2.weight", "blocks.#.att.time_decay_w2",
     Storage::kTransposed},
    {"blk.#.time_mix_first.weight", "blocks.#.att.time_faaaa"},
    {"blk.#.time_mix_receptance.weight", "blocks.#.att.receptance.weight"},
    {"blk.#.time_mix_key.weight", "blocks.#.att.key.weight"},
    {"blk.#.time_mix_value.weight", "blocks.#.att.value.weight"},
    {"blk.#.time_mix_gate.weight", "blocks.#.att.gate.weight"},
    {"blk.#.time_mix_output.weight", "blocks.#.att.output.weight",
     Storage::kDivided},
    {"blk.#.time_mix_ln.weight", "blocks.#.att.ln_x.weight"},
    {"blk.#.time_mix_ln.bias", "blocks.#.att.ln_x.bias"},
    {"blk.#.channel_mix_lerp_k.weight", "blocks.#.ffn.time_maa_k"},
    {"blk.#.channel_mix_lerp_r.weight", "blocks.#.ffn.time_maa_r"},
    {"blk.#.channel_mix_key.weight", "blocks.#.ffn.key.weight"},
    {"blk.#.channel_mix_receptance.weight", "blocks.#.ffn.receptance.weight"},
    {"blk.#.channel_mix_value.weight", "blocks.#.ffn.value.weight",
     Storage::kDivided},
};

constexpr NameRule kRules7[] = {
    {"token_embd.weight", "emb.weight"},
    {"token_embd_norm.weight", "blocks.0.ln0.weight"},
    {"token_embd_norm.bias", "blocks.0.ln0.bias"},
    {"output_norm.weight", "ln_out.weight"},
    {"output_norm.bias", "ln_out.bias"},
    {"output.weight", "head.weight"},
    {"blk.#.attn_norm.weight", "blocks.#.ln1.weight"},
    {"blk.#.attn_norm.bias", "blocks.#.ln1.bias"},
    {"blk.#.attn_norm_2.weight", "blocks.#.ln2.weight"},
    {"blk.#.attn_norm_2.bias", "blocks.#.ln2.bias"},
    {"blk.#.time_mix_lerp_fused.weight", "blocks.#.att.x_r", Storage::kPart, 0,
     6},
    {"blk.#.time_mix_lerp_fused.weight", "blocks.#.att.x_w", Storage::kPart, 1,
     6},
    {"blk.#.time_mix_lerp_fused.weight", "blocks.#.att.x_k", Storage::kPart, 2,
     6},
    {"blk.#.time_mix_lerp_fused.weight", "blocks.#.att.x_v", Storage::kPart, 3,
     6},
    {"blk.#.time_mix_lerp_fused.weight", "blocks.#.att.x_a", Storage::kPart, 4,
     6},
    {"blk.#.time_mix_lerp_fused.weight", "blocks.#.att.x_g", Storage::kPart, 5,
     6},
    // The first layer's are copies of a0, a1 and a2.
    {"blk.0.time_mix_v0.weight", "", Storage::kIgnored},
    {"blk.0.time_mix_v1.weight", "", Storage::kIgnored},
    {"blk.0.time_mix_v2.weight", "", Storage::kIgnored},
    {"blk.#.time_mix_w0.weight", "blocks.#.att.w0"},
    {"blk.#.time_mix_w1.weight", "blocks.#.att.w1", Storage::kTransposed},
    {"blk.#.time_mix_w2.weight", "blocks.#.att.w2", Storage::kTransposed},
    {"blk.#.time_mix_a0.weight", "blocks.#.att.a0"},
    {"blk.#.time_mix_a1.weight", "blocks.#.att.a1", Storage::kTransposed},
    {"blk.#.time_mix_a2.weight", "blocks.#.att.a2", Storage::kTransposed},
    {"blk.#.time_mix_v0.weight", "blocks.#.att.v0"},
    {"blk.#.time_mix_v1.weight", "blocks.#.att.v1", Storage::kTransposed},
    {"blk.#.time_mix_v2.weight", "blocks.#.att.v2", Storage::kTransposed},
    {"blk.#.time_mix_g1.weight", "blocks.#.att.g1", Storage::kTransposed},
    {"blk.#.time_mix_g2.weight", "blocks.#.att.g2", Storage::kTransposed},
    {"blk.#.time_mix_k_k.weight", "blocks.#.att.k_k"},
    {"blk.#.time_mix_k_a.weight", "blocks.#.att.k_a"},
    {"blk.#.time_mix_r_k.weight", "blocks.#.att.r_k", Storage::kFlatHeads},
    {"blk.#.time_mix_receptance.weight", "blocks.#.att.receptance.weight"},
    {"blk.#.time_mix_key.weight", "blocks.#.att.key.weight"},
    {"blk.#.time_mix_value.weight", "blocks.#.att.value.weight"},
    {"blk.#.time_mix_output.weight", "blocks.#.att.output.weight"},
    {"blk.#.time_mix_ln.weight", "blocks.#.att.ln_x.weight"},
    {"blk.#.time_mix_ln.bias", "blocks.#.att.ln_x.bias"},
    {"blk.#.channel_mix_lerp_k.weight", "blocks.#.ffn.x_k"},
    {"blk.#.channel_mix_key.weight", "blocks.#.ffn.key.weight"},
    {"blk.#.channel_mix_value.weight", "blocks.#.ffn.value.weight"},
};

}  // namespace

const Naming kGgufNaming6 = {"GGUF's names for RWKV-6",
                             "blk.0.time_mix_lerp_x.weight", kRules6};
const Naming kGgufNaming7 = {"GGUF's names for RWKV-7",
                             "blk.0.time_mix_r_k.weight", kRules7};

}  // namespace oxbow
