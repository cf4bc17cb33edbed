// Writes rwkv.cpp's .bin files as its converter and quantizer do.
#ifndef OXBOW_TESTS_TESTING_RWKV_CPP_WRITER_H_
#define OXBOW_TESTS_TESTING_RWKV_CPP_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/testing/tiny_tensor.h"

namespace oxbow {

// A file piece by piece, right or wrong. Format: docs/FILE_FORMAT.md of
// rwkv.cpp.
struct RwkvCppFile {
  struct Tensor {
    std::string name;
    std::vector<uint32_t> dimensions;  // the fastest first
    uint32_t type = 0;
    std::string bytes;
    // What the file says; -1: what is so.
    int64_t rank = -1;
    int64_t name_bytes = -1;
  };

  std::string Bytes() const;
  // The same, and where each part begins.
  std::string Bytes(std::vector<size_t>* borders) const;

  uint32_t magic = 0x67676d66;
  uint32_t version = 101;
  uint32_t vocabulary_size = 0;
  uint32_t width = 0;
  uint32_t layers = 0;
  uint32_t type = 0;
  std::vector<Tensor> tensors;
};

struct RwkvCppOptions {
  uint32_t version = 101;
  // kF32, kF16, or a block format: matrices but for emb and head. Vectors and
  // whatever has time_ in its name stay in fp32.
  DType dtype = DType::kF32;
};

// A model of tensors under BlinkDL's names, of any version, as rwkv.cpp's
// convert_pytorch_to_ggml.py computes, transposes and stacks them. Rows that
// are no whole blocks stay in fp32.
RwkvCppFile MakeRwkvCpp(const std::vector<TinyTensor>& tensors,
                        const RwkvCppOptions& options);

absl::Status WriteRwkvCpp(const std::vector<TinyTensor>& tensors,
                          const RwkvCppOptions& options,
                          const std::string& path);

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_RWKV_CPP_WRITER_H_
