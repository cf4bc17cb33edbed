#include "engine/model/state_layout.h"

#include "absl/strings/str_cat.h"

namespace oxbow {

StateLayout::StateLayout(const ModelConfig& config)
    : width_(config.width),
      wkv_count_(static_cast<int64_t>(config.width) * config.head_size),
      layer_count_(wkv_count_ + 2 * width_),
      hidden_(config.layers * layer_count_),
      id_(absl::StrCat(NameOf(config.version), "/L", config.layers, "/D",
                       config.width, "/S", config.head_size,
                       "/wkv-key-value,time,channel;hidden/f32")) {}

}  // namespace oxbow
