// Writes GGUF files as llama.cpp's convert_hf_to_gguf.py does.
#ifndef OXBOW_TESTS_TESTING_GGUF_WRITER_H_
#define OXBOW_TESTS_TESTING_GGUF_WRITER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tests/testing/gguf_file.h"
#include "tests/testing/tiny_tensor.h"

namespace oxbow {

struct GgufModelOptions {
  // Of the matrices. Vectors and the low-rank pairs stay in fp32, as llama.cpp
  // leaves them; and matrices whose rows are no whole blocks.
  DType dtype = DType::kF32;
  // Everything in `dtype`, for comparison with files of one dtype.
  bool all_in_dtype = false;
  int rescale_every = 6;  // RWKV-6
  // The World vocabulary of the model: piece by id, "" for none.
  std::vector<std::string> pieces;
};

// An RWKV-6 or RWKV-7 model of tensors under BlinkDL's names, as the converter
// renames, transposes, stacks and divides them. Other tensors are a bug.
GgufFile MakeGguf(const std::vector<TinyTensor>& tensors,
                  const GgufModelOptions& options);

absl::Status WriteGguf(const std::vector<TinyTensor>& tensors,
                       const GgufModelOptions& options,
                       const std::string& path);

// A piece as the converter writes it: what Python's repr() has between b' and
// '.
std::string GgufTokenText(absl::string_view piece);

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_GGUF_WRITER_H_
