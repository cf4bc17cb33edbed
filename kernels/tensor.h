// What the ops work on: sizes and pointers into a backend's memory. Nothing
// here owns anything; kernels/buffer.h does.
#ifndef OXBOW_KERNELS_TENSOR_H_
#define OXBOW_KERNELS_TENSOR_H_

#include <cstddef>
#include <cstdint>

namespace oxbow {

// How a weight is stored: as plain numbers, or in GGML's blocks, which hold
// 32 or 256 neighbours of a row with their scales (kernels/blocks.h has each
// layout).
enum class DType {
  kF32,
  kF16,
  kBF16,
  kQ8_0,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ4_K,
  kQ5_K,
  kQ6_K,
};

// What a dtype is called, and the size of its smallest whole part: one number,
// or one block.
struct DTypeTraits {
  const char* name;
  int numbers;
  int bytes;
};

inline constexpr DTypeTraits kDTypeTraits[] = {
    {"fp32", 1, 4},     {"fp16", 1, 2},     {"bf16", 1, 2},    {"q8_0", 32, 34},
    {"q4_0", 32, 18},   {"q4_1", 32, 20},   {"q5_0", 32, 22},  {"q5_1", 32, 24},
    {"q4_K", 256, 144}, {"q5_K", 256, 176}, {"q6_K", 256, 210}};

constexpr const DTypeTraits& TraitsOf(DType dtype) {
  return kDTypeTraits[static_cast<int>(dtype)];
}

// "fp32", "bf16", "q4_K": GGML's names for its blocks.
constexpr const char* NameOf(DType dtype) { return TraitsOf(dtype).name; }

// 1 for plain numbers. A row of blocks is a whole number of them.
constexpr int NumbersPerBlock(DType dtype) { return TraitsOf(dtype).numbers; }
constexpr int BytesPerBlock(DType dtype) { return TraitsOf(dtype).bytes; }

// Bytes of `count` numbers that fill whole blocks.
constexpr int64_t BytesOf(DType dtype, int64_t count) {
  return count / NumbersPerBlock(dtype) * BytesPerBlock(dtype);
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

// A matrix [rows, columns] in host memory, row-major: what a file holds. In
// blocks, each row is columns / NumbersPerBlock of them, in GGML's bytes.
struct HostMatrix {
  const void* data = nullptr;
  DType dtype = DType::kF32;
  int rows = 0;
  int columns = 0;
};

}  // namespace oxbow

#endif  // OXBOW_KERNELS_TENSOR_H_
