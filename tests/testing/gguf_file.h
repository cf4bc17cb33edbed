// Writes GGUF files piece by piece, right or wrong.
#ifndef OXBOW_TESTS_TESTING_GGUF_FILE_H_
#define OXBOW_TESTS_TESTING_GGUF_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "kernels/tensor.h"

namespace oxbow {

// The parts of a file. Format: docs/gguf.md of the ggml
// project. Numbers of types are the file's own.
struct GgufFile {
  struct Value {
    std::string key;
    uint32_t type = 0;
    std::string bytes;
  };
  struct Tensor {
    std::string name;
    std::vector<uint64_t> dimensions;  // the fastest first
    uint32_t type = 0;
    uint64_t offset = 0;  // into `numbers`
  };

  // "GGUF", version, counts, metadata, tensors, padding, numbers.
  std::string Bytes() const;
  // The same, and the offset in the file at which each part begins: every
  // number and every string.
  std::string Bytes(std::vector<size_t>* borders) const;

  void AddText(const std::string& key, const std::string& text);
  void AddU32(const std::string& key, uint32_t number);
  void AddF32(const std::string& key, float number);
  void AddTexts(const std::string& key, const std::vector<std::string>& texts);
  void AddI32s(const std::string& key, const std::vector<int32_t>& numbers);
  // Puts the numbers behind those that are there, aligned.
  void AddTensor(const std::string& name, const std::vector<int64_t>& shape,
                 DType dtype, const std::string& bytes);

  std::string magic = "GGUF";
  uint32_t version = 3;
  // What the header says; -1: as many as there are.
  int64_t tensor_count = -1;
  int64_t value_count = -1;
  uint64_t alignment = 32;
  std::vector<Value> values;
  std::vector<Tensor> tensors;
  std::string numbers;
};

// A string as the file has it: its length, its bytes.
std::string GgufText(absl::string_view text);

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_GGUF_FILE_H_
