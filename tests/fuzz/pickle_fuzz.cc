#include "base/check.h"
#include "engine/weights/pickle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto tensors = oxbow::ReadPickle(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  OXBOW_CHECK(tensors.ok() || !tensors.status().message().empty());
  return 0;
}
