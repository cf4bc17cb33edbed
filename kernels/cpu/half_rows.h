// Activations as bf16, for products with bf16 weights that may be fast.
#ifndef OXBOW_KERNELS_CPU_HALF_ROWS_H_
#define OXBOW_KERNELS_CPU_HALF_ROWS_H_

#include <cstdint>
#include <vector>

#include "kernels/tensor.h"

namespace oxbow {

// bf16 rows [count, width]: each number the nearest, to even between two. One
// zero follows a row of odd width.
struct HalfRows {
  const uint16_t* data = nullptr;  // row n starts at data + n * pitch
  int64_t pitch = 0;               // even

  const uint16_t* row(int64_t n) const { return data + n * pitch; }
};

// Room for half rows, used again and again.
//
// Thread-compatible, but Fill may be called for several rows at once.
class HalfRowsRoom {
 public:
  // Room for the rows of x.
  void Resize(const Rows& x);
  // Makes row n of x half.
  void Fill(const Rows& x, int n);

  HalfRows rows() const { return {data_.data(), pitch_}; }

 private:
  int64_t pitch_ = 0;
  std::vector<uint16_t> data_;
};

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_HALF_ROWS_H_
