#include "engine/weights/narrow_numbers.h"

#include <cmath>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/blocks.h"

namespace oxbow {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// There and back; a number that does not fit becomes infinite.
float Through(float number, DType dtype) {
  char bytes[4];
  if (!NarrowNumbers(bytes, &number, dtype, 1)) return kInfinity;
  float back;
  Dequantize(&back, bytes, dtype, 1);
  return back;
}

TEST(NarrowNumbersTest, RoundsToTheNearestAndToEvenBetweenTwo) {
  EXPECT_EQ(Through(1.0f + 0x1p-8f, DType::kBF16), 1.0f);
  EXPECT_EQ(Through(1.0f + 0x1.8p-8f, DType::kBF16), 1.0f + 0x1p-7f);
  EXPECT_EQ(Through(1.0f + 0x3p-8f, DType::kBF16), 1.0f + 0x1p-6f);
  EXPECT_EQ(Through(1.0f + 0x1p-11f, DType::kF16), 1.0f);
  EXPECT_EQ(Through(-1.0f - 0x3p-11f, DType::kF16), -1.0f - 0x1p-9f);
  EXPECT_EQ(Through(0x1.fffffep127f, DType::kF32), 0x1.fffffep127f);
}

TEST(NarrowNumbersTest, RefusesWhatIsNoNumberThere) {
  EXPECT_EQ(Through(65519.0f, DType::kF16), 65504.0f);
  EXPECT_EQ(Through(65520.0f, DType::kF16), kInfinity);
  EXPECT_EQ(Through(-0x1.fep127f, DType::kBF16), -0x1.fep127f);
  EXPECT_EQ(Through(0x1.ffp127f, DType::kBF16), kInfinity);
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    char bytes[8];
    for (const float bad : {kInfinity, -kInfinity, std::nanf("")}) {
      const float numbers[] = {1.0f, bad};
      EXPECT_FALSE(NarrowNumbers(bytes, numbers, dtype, 2)) << NameOf(dtype);
    }
  }
}

}  // namespace
}  // namespace oxbow
