#include "base/check.h"
#include "engine/tokenizer/gguf_vocabulary.h"
#include "engine/weights/gguf.h"
#include "engine/weights/testing/read_everything.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)oxbow::ReadEverything(oxbow::OpenGguf(oxbow::MemoryFile(data, size)));
  const auto pieces = oxbow::ReadGgufVocabulary(oxbow::MemoryFile(data, size));
  OXBOW_CHECK(pieces.ok() || !pieces.status().message().empty());
  return 0;
}
