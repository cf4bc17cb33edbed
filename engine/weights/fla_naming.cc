// The names of flash-linear-attention's models, as its
// utils/convert_from_rwkv7.py writes them. A low-rank pair is two Linear
// layers there, so each matrix is the transpose of BlinkDL's.
#include "engine/weights/naming.h"

namespace oxbow {
namespace {

constexpr NameRule kRules7[] = {
    {"model.embeddings.weight", "emb.weight"},
    {"model.norm.weight", "ln_out.weight"},
    {"model.norm.bias", "ln_out.bias"},
    {"lm_head.weight", "head.weight"},
    {"model.layers.#.pre_norm.weight", "blocks.#.ln0.weight"},
    {"model.layers.#.pre_norm.bias", "blocks.#.ln0.bias"},
    {"model.layers.#.attn_norm.weight", "blocks.#.ln1.weight"},
    {"model.layers.#.attn_norm.bias", "blocks.#.ln1.bias"},
    {"model.layers.#.ffn_norm.weight", "blocks.#.ln2.weight"},
    {"model.layers.#.ffn_norm.bias", "blocks.#.ln2.bias"},
    {"model.layers.#.attn.x_r", "blocks.#.att.x_r"},
    {"model.layers.#.attn.x_w", "blocks.#.att.x_w"},
    {"model.layers.#.attn.x_k", "blocks.#.att.x_k"},
    {"model.layers.#.attn.x_v", "blocks.#.att.x_v"},
    {"model.layers.#.attn.x_a", "blocks.#.att.x_a"},
    {"model.layers.#.attn.x_g", "blocks.#.att.x_g"},
    // Older exports have the six in one.
    {"model.layers.#.attn.x_x", "blocks.#.att.x_r", Storage::kPart, 0, 6},
    {"model.layers.#.attn.x_x", "blocks.#.att.x_w", Storage::kPart, 1, 6},
    {"model.layers.#.attn.x_x", "blocks.#.att.x_k", Storage::kPart, 2, 6},
    {"model.layers.#.attn.x_x", "blocks.#.att.x_v", Storage::kPart, 3, 6},
    {"model.layers.#.attn.x_x", "blocks.#.att.x_a", Storage::kPart, 4, 6},
    {"model.layers.#.attn.x_x", "blocks.#.att.x_g", Storage::kPart, 5, 6},
    {"model.layers.#.attn.k_k", "blocks.#.att.k_k"},
    {"model.layers.#.attn.k_a", "blocks.#.att.k_a"},
    {"model.layers.#.attn.r_k", "blocks.#.att.r_k"},
    {"model.layers.#.attn.r_proj.weight", "blocks.#.att.receptance.weight"},
    {"model.layers.#.attn.k_proj.weight", "blocks.#.att.key.weight"},
    {"model.layers.#.attn.v_proj.weight", "blocks.#.att.value.weight"},
    {"model.layers.#.attn.o_proj.weight", "blocks.#.att.output.weight"},
    {"model.layers.#.attn.g_norm.weight", "blocks.#.att.ln_x.weight"},
    {"model.layers.#.attn.g_norm.bias", "blocks.#.att.ln_x.bias"},
    {"model.layers.#.attn.w_lora.lora.0.weight", "blocks.#.att.w1",
     Storage::kTransposed},
    {"model.layers.#.attn.w_lora.lora.2.weight", "blocks.#.att.w2",
     Storage::kTransposed},
    {"model.layers.#.attn.w_lora.lora.2.bias", "blocks.#.att.w0"},
    {"model.layers.#.attn.a_lora.lora.0.weight", "blocks.#.att.a1",
     Storage::kTransposed},
    {"model.layers.#.attn.a_lora.lora.2.weight", "blocks.#.att.a2",
     Storage::kTransposed},
    {"model.layers.#.attn.a_lora.lora.2.bias", "blocks.#.att.a0"},
    {"model.layers.#.attn.v_lora.lora.0.weight", "blocks.#.att.v1",
     Storage::kTransposed},
    {"model.layers.#.attn.v_lora.lora.2.weight", "blocks.#.att.v2",
     Storage::kTransposed},
    {"model.layers.#.attn.v_lora.lora.2.bias", "blocks.#.att.v0"},
    {"model.layers.#.attn.g_lora.lora.0.weight", "blocks.#.att.g1",
     Storage::kTransposed},
    {"model.layers.#.attn.g_lora.lora.2.weight", "blocks.#.att.g2",
     Storage::kTransposed},
    {"model.layers.#.ffn.x_k", "blocks.#.ffn.x_k"},
    {"model.layers.#.ffn.key.weight", "blocks.#.ffn.key.weight"},
    {"model.layers.#.ffn.value.weight", "blocks.#.ffn.value.weight"},
};

}  // namespace

const Naming kFlaNaming7 = {"Hugging Face's (fla) names for RWKV-7",
                            "model.layers.0.attn.r_k", kRules7};

}  // namespace oxbow
