// The names of Hugging Face's first RWKV models: "rwkv" (RWKV-4) as
// transformers' convert_rwkv_checkpoint_to_hf.py writes them, "rwkv5" and
// "rwkv6" as RWKV's own conversions of the same manner do. Shapes are
// BlinkDL's.
#include "engine/weights/naming.h"

namespace oxbow {
namespace {

constexpr NameRule kRules[] = {
    {"rwkv.embeddings.weight", "emb.weight"},
    {"rwkv.ln_out.weight", "ln_out.weight"},
    {"rwkv.ln_out.bias", "ln_out.bias"},
    {"head.weight", "head.weight"},
    {"rwkv.blocks.#.pre_ln.weight", "blocks.#.ln0.weight"},
    {"rwkv.blocks.#.pre_ln.bias", "blocks.#.ln0.bias"},
    {"rwkv.blocks.#.ln1.weight", "blocks.#.ln1.weight"},
    {"rwkv.blocks.#.ln1.bias", "blocks.#.ln1.bias"},
    {"rwkv.blocks.#.ln2.weight", "blocks.#.ln2.weight"},
    {"rwkv.blocks.#.ln2.bias", "blocks.#.ln2.bias"},
    {"rwkv.blocks.#.attention.time_decay", "blocks.#.att.time_decay"},
    {"rwkv.blocks.#.attention.time_first", "blocks.#.att.time_first"},
    {"rwkv.blocks.#.attention.time_faaaa", "blocks.#.att.time_faaaa"},
    {"rwkv.blocks.#.attention.time_mix_key", "blocks.#.att.time_mix_k"},
    {"rwkv.blocks.#.attention.time_mix_value", "blocks.#.att.time_mix_v"},
    {"rwkv.blocks.#.attention.time_mix_receptance", "blocks.#.att.time_mix_r"},
    {"rwkv.blocks.#.attention.time_mix_gate", "blocks.#.att.time_mix_g"},
    {"rwkv.blocks.#.attention.time_maa_x", "blocks.#.att.time_maa_x"},
    {"rwkv.blocks.#.attention.time_maa_w", "blocks.#.att.time_maa_w"},
    {"rwkv.blocks.#.attention.time_maa_k", "blocks.#.att.time_maa_k"},
    {"rwkv.blocks.#.attention.time_maa_v", "blocks.#.att.time_maa_v"},
    {"rwkv.blocks.#.attention.time_maa_r", "blocks.#.att.time_maa_r"},
    {"rwkv.blocks.#.attention.time_maa_g", "blocks.#.att.time_maa_g"},
    {"rwkv.blocks.#.attention.time_maa_w1", "blocks.#.att.time_maa_w1"},
    {"rwkv.blocks.#.attention.time_maa_w2", "blocks.#.att.time_maa_w2"},
    {"rwkv.blocks.#.attention.time_decay_w1", "blocks.#.att.time_decay_w1"},
    {"rwkv.blocks.#.attention.time_decay_w2", "blocks.#.att.time_decay_w2"},
    {"rwkv.blocks.#.attention.receptance.weight",
     "blocks.#.att.receptance.weight"},
    {"rwkv.blocks.#.attention.key.weight", "blocks.#.att.key.weight"},
    {"rwkv.blocks.#.attention.value.weight", "blocks.#.att.value.weight"},
    {"rwkv.blocks.#.attention.gate.weight", "blocks.#.att.gate.weight"},
    {"rwkv.blocks.#.attention.output.weight", "blocks.#.att.output.weight"},
    {"rwkv.blocks.#.attention.ln_x.weight", "blocks.#.att.ln_x.weight"},
    {"rwkv.blocks.#.attention.ln_x.bias", "blocks.#.att.ln_x.bias"},
    {"rwkv.blocks.#.feed_forward.time_mix_key", "blocks.#.ffn.time_mix_k"},
    {"rwkv.blocks.#.feed_forward.time_mix_receptance",
     "blocks.#.ffn.time_mix_r"},
    {"rwkv.blocks.#.feed_forward.time_maa_k", "blocks.#.ffn.time_maa_k"},
    {"rwkv.blocks.#.feed_forward.time_maa_r", "blocks.#.ffn.time_maa_r"},
    {"rwkv.blocks.#.feed_forward.key.weight", "blocks.#.ffn.key.weight"},
    {"rwkv.blocks.#.feed_forward.receptance.weight",
     "blocks.#.ffn.receptance.weight"},
    {"rwkv.blocks.#.feed_forward.value.weight", "blocks.#.ffn.value.weight"},
};

}  // namespace

const Naming kHfNaming = {"Hugging Face's names for RWKV-4, 5 and 6",
                          "rwkv.embeddings.weight", kRules};

}  // namespace oxbow
