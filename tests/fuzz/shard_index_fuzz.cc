#include <cstdint>
#include <string>

#include "base/check.h"
#include "engine/weights/shard_index.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto index = oxbow::ParseShardIndex(
      std::string(reinterpret_cast<const char*>(data), size));
  if (!index.ok()) {
    OXBOW_CHECK(!index.status().message().empty());
    return 0;
  }
  OXBOW_CHECK(!index->empty());
  for (const auto& [file, tensors] : *index) {
    OXBOW_CHECK(file.find('/') == std::string::npos && file[0] != '.');
    OXBOW_CHECK(!tensors.empty());
  }
  return 0;
}
