// What the ops work on: sizes and pointers into a backend's memory. Nothing
// here owns anything; kernels/buffer.h does.
#ifndef OXBOW_KERNELS_TENSOR_H_
#define OXBOW_KERNELS_TENSOR_H_

#include <cstddef>
#include <cstdint>

namespace oxbow {

// How a weight is stored. Arithmetic is always fp32.
enum class DType { kF32, kF16, kBF16 };

inline size_t BytesOf(DType dtype) { return dtype == DType::kF32 ? 4 : 2; }

// "fp32", "fp16" or "bf16".
inline const char* NameOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "fp32";
    case DType::kF16:
      return "fp16";
    case DType::kBF16:
      return "bf16";
  }
  return "?";
}

// fp32 activations [count, width]; row n starts at data + n * pitch. The pitch
// may exceed the width: rows a multiple of 4 KiB apart would fight for the
// same cache sets.
struct Rows {
  float* data = nullptr;
  int count = 0;
  int width = 0;
  int64_t pitch = 0;

  float* row(int64_t n) const { return data + n * pitch; }
};

// fp32 numbers that belong to a model: scales, biases, mixes.
struct Vector {
  const float* data = nullptr;
  int size = 0;
};

// w[outputs, inputs], in the backend's own order (see Ops::Pack).
struct Matrix {
  const void* data = nullptr;
  DType dtype = DType::kF32;
  int outputs = 0;
  int inputs = 0;
};

// table[rows, width] as it is stored: one row is read at a time.
struct Table {
  const void* data = nullptr;
  DType dtype = DType::kF32;
  int rows = 0;
  int width = 0;
};

// A matrix [rows, columns] in host memory, row-major: what a file holds.
struct HostMatrix {
  const void* data = nullptr;
  DType dtype = DType::kF32;
  int rows = 0;
  int columns = 0;
};

}  // namespace oxbow

#endif  // OXBOW_KERNELS_TENSOR_H_
