#include "engine/model/state_layout.h"

#include "absl/strings/str_cat.h"

namespace oxbow {

StateLayout::StateLayout(const ModelConfig& config, int64_t wkv_count,
                         const std::string& wkv)
    : width_(config.width),
      wkv_count_(wkv_count),
      layer_count_(wkv_count_ + 2 * width_),
      hidden_(config.layers * layer_count_),
      id_(absl::StrCat(NameOf(config.version), "/L", config.layers, "/D",
                       config.width, "/", wkv, ",time,channel;hidden/f32")) {}

StateLayout StateLayout::OfHeads(const ModelConfig& config) {
  return StateLayout(config, int64_t{1} * config.width * config.head_size,
                     absl::StrCat("S", config.head_size, "/wkv-key-value"));
}

}  // namespace oxbow
