// The .st files of Ai00 and web-rwkv, as its assets/scripts/
// convert_safetensors.py writes them: BlinkDL's names, but time_faaaa becomes
// time_first and time_maa time_mix; the matrices of low-rank pairs, and initial
// states, are transposed. Versions of the script have differed in which of
// RWKV-6's they turn (a name on its list twice is turned twice), so shapes
// decide.
#include "engine/weights/naming.h"

namespace oxbow {
namespace {

constexpr NameRule kRules5[] = {
    {"blocks.#.att.time_first", "blocks.#.att.time_faaaa"},
    {"blocks.#.att.time_state", "blocks.#.att.time_state",
     Storage::kTransposed},
};

constexpr NameRule kRules6[] = {
    {"blocks.#.att.time_mix_x", "blocks.#.att.time_maa_x"},
    {"blocks.#.att.time_mix_w", "blocks.#.att.time_maa_w"},
    {"blocks.#.att.time_mix_k", "blocks.#.att.time_maa_k"},
    {"blocks.#.att.time_mix_v", "blocks.#.att.time_maa_v"},
    {"blocks.#.att.time_mix_r", "blocks.#.att.time_maa_r"},
    {"blocks.#.att.time_mix_g", "blocks.#.att.time_maa_g"},
    {"blocks.#.att.time_mix_w1", "blocks.#.att.time_maa_w1",
     Storage::kDownTurned},
    {"blocks.#.att.time_mix_w2", "blocks.#.att.time_maa_w2",
     Storage::kUpTurned},
    {"blocks.#.att.time_decay_w1", "blocks.#.att.time_decay_w1",
     Storage::kDownTurned},
    {"blocks.#.att.time_decay_w2", "blocks.#.att.time_decay_w2",
     Storage::kUpTurned},
    {"blocks.#.att.time_first", "blocks.#.att.time_faaaa"},
    {"blocks.#.att.time_state", "blocks.#.att.time_state",
     Storage::kTransposed},
    {"blocks.#.ffn.time_mix_k", "blocks.#.ffn.time_maa_k"},
    {"blocks.#.ffn.time_mix_r", "blocks.#.ffn.time_maa_r"},
};

constexpr NameRule kRules7[] = {
    {"blocks.#.att.w1", "blocks.#.att.w1", Storage::kDownTurned},
    {"blocks.#.att.w2", "blocks.#.att.w2", Storage::kUpTurned},
    {"blocks.#.att.a1", "blocks.#.att.a1", Storage::kDownTurned},
    {"blocks.#.att.a2", "blocks.#.att.a2", Storage::kUpTurned},
    {"blocks.#.att.v1", "blocks.#.att.v1", Storage::kDownTurned},
    {"blocks.#.att.v2", "blocks.#.att.v2", Storage::kUpTurned},
    {"blocks.#.att.g1", "blocks.#.att.g1", Storage::kDownTurned},
    {"blocks.#.att.g2", "blocks.#.att.g2", Storage::kUpTurned},
    {"blocks.#.att.time_state", "blocks.#.att.time_state",
     Storage::kTransposed},
};

}  // namespace

const Naming kWebRwkvNaming5 = {"web-rwkv's names for RWKV-5.2", "", kRules5,
                                true};
const Naming kWebRwkvNaming6 = {"web-rwkv's names for RWKV-6",
                                "blocks.0.att.time_mix_x", kRules6, true};
const Naming kWebRwkvNaming7 = {"web-rwkv's names for RWKV-7", "", kRules7,
                                true};

}  // namespace oxbow
