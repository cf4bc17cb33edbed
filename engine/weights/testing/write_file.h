// Files for tests of parsers.
#ifndef OXBOW_ENGINE_WEIGHTS_TESTING_WRITE_FILE_H_
#define OXBOW_ENGINE_WEIGHTS_TESTING_WRITE_FILE_H_

#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"

namespace oxbow {

// Writes a file of this test's own and returns its path.
inline std::string WriteFile(const std::string& name,
                             const std::string& bytes) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_TESTING_WRITE_FILE_H_
