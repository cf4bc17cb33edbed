// The config.json beside Hugging Face's models.
#ifndef OXBOW_ENGINE_WEIGHTS_HF_CONFIG_H_
#define OXBOW_ENGINE_WEIGHTS_HF_CONFIG_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

constexpr int64_t kHfConfigBytesMax = int64_t{1} << 20;

// What a config.json says of an "rwkv", "rwkv5", "rwkv6" or "rwkv7" model; a
// field that is missing or null says nothing. InvalidArgument: no JSON, or a
// field of the wrong kind. Unimplemented, by name: a model of another type, or
// one that changes what RWKV computes.
absl::StatusOr<SourceFacts> ParseHfConfig(const std::string& text);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_HF_CONFIG_H_
