// A file that is only in memory, for parsers that want one.
#ifndef OXBOW_TESTS_FUZZ_MEMORY_FILE_H_
#define OXBOW_TESTS_FUZZ_MEMORY_FILE_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "base/check.h"
#include "engine/weights/input_file.h"

namespace oxbow {

// These bytes as an InputFile.
inline InputFile MemoryFile(const uint8_t* data, size_t size) {
  const int descriptor = memfd_create("fuzz", MFD_CLOEXEC);
  OXBOW_CHECK(descriptor >= 0);
  OXBOW_CHECK(write(descriptor, data, size) == static_cast<ssize_t>(size));
  auto file = InputFile::Open("/proc/self/fd/" + std::to_string(descriptor));
  OXBOW_CHECK_OK(file.status());
  close(descriptor);
  return *std::move(file);
}

inline InputFile MemoryFile(const std::string& bytes) {
  return MemoryFile(reinterpret_cast<const uint8_t*>(bytes.data()),
                    bytes.size());
}

}  // namespace oxbow

#endif  // OXBOW_TESTS_FUZZ_MEMORY_FILE_H_
