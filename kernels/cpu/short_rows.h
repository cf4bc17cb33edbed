// Activations as 16-bit integers, for products with weights in blocks.
//
// Each 32 neighbours of a row get a unit, a power of two, of which the largest
// of them is less than 2^15; every number becomes the nearest whole multiple
// of it. So a number is off by at most 2^-15 of the largest of its 32, and sums
// of products with small integers are exact, in any order, on any machine.
#ifndef OXBOW_KERNELS_CPU_SHORT_ROWS_H_
#define OXBOW_KERNELS_CPU_SHORT_ROWS_H_

#include <cstdint>
#include <vector>

#include "kernels/tensor.h"

namespace oxbow {

// Numbers that share a unit.
constexpr int kShortGroup = 32;

// The short rows [count, width] and what each group of them is multiplied by.
struct ShortRows {
  const int16_t* data = nullptr;  // row n starts at data + n * pitch
  int64_t pitch = 0;
  const float* units = nullptr;   // [count, groups]
  const int32_t* sums = nullptr;  // [count, groups], each of a group's numbers
  int groups = 0;                 // width / kShortGroup

  const int16_t* row(int64_t n) const { return data + n * pitch; }
};

// Room for short rows, used again and again.
//
// Thread-compatible, but Fill may be called for several rows at once.
class ShortRowsRoom {
 public:
  // Room for the rows of x, whose width is whole groups.
  void Resize(const Rows& x);
  // Makes row n of x short. A group that holds a NaN or an infinity gets the
  // unit NaN: it is seen in every result, as it would be in fp32.
  void Fill(const Rows& x, int n);

  ShortRows rows() const;

 private:
  int64_t pitch_ = 0;
  int groups_ = 0;
  std::vector<int16_t> data_;
  std::vector<float> units_;
  std::vector<int32_t> sums_;
};

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_SHORT_ROWS_H_
