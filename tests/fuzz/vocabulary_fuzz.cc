#include "base/check.h"
#include "engine/tokenizer/world_vocabulary.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto pieces = oxbow::ParseWorldVocabulary(
      absl::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
  OXBOW_CHECK(pieces.ok() || !pieces.status().message().empty());
  return 0;
}
