#include "engine/weights/rwkv_cpp.h"
#include "engine/weights/testing/read_everything.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)oxbow::ReadEverything(
      oxbow::OpenRwkvCpp(oxbow::MemoryFile(data, size)));
  return 0;
}
