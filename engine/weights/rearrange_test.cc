#include "engine/weights/rearrange.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/blocks.h"

namespace oxbow {
namespace {

using testing::ElementsAre;

template <class T>
absl::Span<char> BytesOfAll(std::vector<T>& numbers) {
  return {reinterpret_cast<char*>(numbers.data()), numbers.size() * sizeof(T)};
}

template <class T>
void ExpectTransposes(int matrices, int rows, int columns, DType dtype) {
  std::vector<T> from(size_t{1} * matrices * rows * columns), to(from.size());
  for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<T>(i);
  TransposeNumbers({matrices, rows, columns}, dtype, BytesOfAll(from),
                   BytesOfAll(to));
  for (int m = 0; m < matrices; ++m) {
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) {
        ASSERT_EQ(to[(m * columns + c) * rows + r],
                  from[(m * rows + r) * columns + c]);
      }
    }
  }
}

TEST(RearrangeTest, TransposesEveryMatrix) {
  ExpectTransposes<uint16_t>(1, 70, 33, DType::kBF16);
  ExpectTransposes<uint16_t>(5, 3, 40, DType::kF16);
  ExpectTransposes<uint32_t>(2, 1, 7, DType::kF32);
  ExpectTransposes<uint32_t>(1, 64, 64, DType::kF32);
}

TEST(RearrangeTest, ScalesExactly) {
  std::vector<float> wide = {1.0f, -0.0f, 1e-45f, 3e38f};
  ScaleNumbers(DType::kF32, 3, BytesOfAll(wide));
  EXPECT_THAT(wide, ElementsAre(8.0f, 0.0f, 8 * 1e-45f,
                                std::numeric_limits<float>::infinity()));
  // 1, -1.5, smallest and largest denormal, largest, infinity.
  std::vector<uint16_t> half = {0x3c00, 0xbe00, 0x0001, 0x83ff, 0x7bff, 0x7c00};
  ScaleNumbers(DType::kF16, 2, BytesOfAll(half));
  EXPECT_THAT(half, ElementsAre(0x4400, 0xc600, 0x0004, 0x8bfe, 0x7c00, 0x7c00))
      << "4, -6, 2^-22, 4 * -1023 * 2^-24";
  std::vector<uint16_t> brain = {0x3f80, 0x8001, 0x7f7f};
  ScaleNumbers(DType::kBF16, 1, BytesOfAll(brain));
  EXPECT_THAT(brain, ElementsAre(0x4000, 0x8002, 0x7f80));
}

TEST(RearrangeTest, ScalesBlocks) {
  for (DType dtype : {DType::kQ8_0, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
                      DType::kQ5_1, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    const int count = 2 * NumbersPerBlock(dtype);
    std::vector<char> bytes(BytesOf(dtype, count));
    // Bytes that are small halves wherever a scale may be.
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = (i * 37 + 1) % 50;
    std::vector<float> before(count), after(count);
    Dequantize(before.data(), bytes.data(), dtype, count);
    ScaleNumbers(dtype, 3, absl::MakeSpan(bytes));
    Dequantize(after.data(), bytes.data(), dtype, count);
    for (float& number : before) number *= 8;
    EXPECT_EQ(after, before) << NameOf(dtype);
  }
}

}  // namespace
}  // namespace oxbow
