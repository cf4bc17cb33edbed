// JSON from files nobody vouches for.
#ifndef OXBOW_ENGINE_WEIGHTS_STRICT_JSON_H_
#define OXBOW_ENGINE_WEIGHTS_STRICT_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace oxbow {

struct StrictJsonLimits {
  // Objects and lists within each other.
  int depth_max = 3;
  // Values of any kind in all: a few bytes of text may take some 64 of memory.
  int values_max = 1 << 18;
};

// The value of `text`. InvalidArgument, in words that follow "bad header: ",
// for what is no JSON, a key given twice, or more than the limits allow.
absl::StatusOr<nlohmann::json> ParseStrictJson(const std::string& text,
                                               const StrictJsonLimits& limits);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_STRICT_JSON_H_
