// What rwkv.cpp's convert_pytorch_to_ggml.py stores otherwise than BlinkDL,
// under his names: transposed low-rank matrices, which the reader marks by
// "^T" (rwkv_cpp.h), and RWKV-7's mixes in one tensor.
#include "engine/weights/naming.h"

namespace oxbow {
namespace {

constexpr NameRule kRules6[] = {
    {"blocks.#.att.time_maa_w1^T", "blocks.#.att.time_maa_w1",
     Storage::kTransposed},
    {"blocks.#.att.time_maa_w2^T", "blocks.#.att.time_maa_w2",
     Storage::kTransposed},
    {"blocks.#.att.time_decay_w1^T", "blocks.#.att.time_decay_w1",
     Storage::kTransposed},
    {"blocks.#.att.time_decay_w2^T", "blocks.#.att.time_decay_w2",
     Storage::kTransposed},
};

constexpr NameRule kRules7[] = {
    {"blocks.#.att.x_rwkvag", "blocks.#.att.x_r", Storage::kPart, 0, 6},
    {"blocks.#.att.x_rwkvag", "blocks.#.att.x_w", Storage::kPart, 1, 6},
    {"blocks.#.att.x_rwkvag", "blocks.#.att.x_k", Storage::kPart, 2, 6},
    {"blocks.#.att.x_rwkvag", "blocks.#.att.x_v", Storage::kPart, 3, 6},
    {"blocks.#.att.x_rwkvag", "blocks.#.att.x_a", Storage::kPart, 4, 6},
    {"blocks.#.att.x_rwkvag", "blocks.#.att.x_g", Storage::kPart, 5, 6},
    {"blocks.#.att.w1^T", "blocks.#.att.w1", Storage::kTransposed},
    {"blocks.#.att.w2^T", "blocks.#.att.w2", Storage::kTransposed},
    {"blocks.#.att.a1^T", "blocks.#.att.a1", Storage::kTransposed},
    {"blocks.#.att.a2^T", "blocks.#.att.a2", Storage::kTransposed},
    {"blocks.#.att.v1^T", "blocks.#.att.v1", Storage::kTransposed},
    {"blocks.#.att.v2^T", "blocks.#.att.v2", Storage::kTransposed},
    {"blocks.#.att.g1^T", "blocks.#.att.g1", Storage::kTransposed},
    {"blocks.#.att.g2^T", "blocks.#.att.g2", Storage::kTransposed},
};

}  // namespace

const Naming kRwkvCppNaming6 = {"rwkv.cpp's names for RWKV-6",
                                "blocks.0.att.time_maa_w1^T", kRules6, true};
const Naming kRwkvCppNaming7 = {"rwkv.cpp's names for RWKV-7",
                                "blocks.0.att.x_rwkvag", kRules7, true};

}  // namespace oxbow
