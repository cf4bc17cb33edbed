#include <cstdint>
#include <string>

#include "base/check.h"
#include "engine/weights/hf_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto facts = oxbow::ParseHfConfig(
      std::string(reinterpret_cast<const char*>(data), size));
  if (!facts.ok()) {
    OXBOW_CHECK(!facts.status().message().empty());
    return 0;
  }
  OXBOW_CHECK(facts->width.value_or(0) >= 0);
  OXBOW_CHECK(facts->width.value_or(0) <= oxbow::kDimensionMax);
  return 0;
}
