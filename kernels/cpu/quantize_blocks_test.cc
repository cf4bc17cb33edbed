#include "kernels/cpu/quantize_blocks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/blocks.h"
#include "kernels/testing/cpu_target.h"
#include "kernels/testing/random_blocks.h"
#include "kernels/testing/random_floats.h"

namespace oxbow {
namespace {

using Numbers = std::vector<float>;

std::string Quantized(const Numbers& numbers, DType dtype) {
  std::string bytes(BytesOf(dtype, numbers.size()), '\0');
  QuantizeBlocks(bytes.data(), numbers.data(), dtype, numbers.size());
  return bytes;
}

Numbers Dequantized(const std::string& bytes, DType dtype) {
  Numbers numbers(bytes.size() / BytesPerBlock(dtype) * 32);
  Dequantize(numbers.data(), bytes.data(), dtype, numbers.size());
  return numbers;
}

// Numbers as models have them: many small, few large.
Numbers Weights(size_t count, uint32_t seed) {
  Numbers numbers = RandomFloats(count, seed);
  for (float& number : numbers) number *= number * number * 0.1f;
  return numbers;
}

double SquaredError(const Numbers& a, const Numbers& b, size_t begin) {
  double error = 0;
  for (size_t i = begin; i < begin + 32; ++i) {
    error += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  }
  return error;
}

class QuantizeBlocksTest : public testing::TestWithParam<DType> {};

TEST_P(QuantizeBlocksTest, EveryInstructionSetGivesTheSameBytes) {
  const Numbers numbers = Weights(32 * 500, 1);
  const std::string want = Quantized(numbers, GetParam());
  for (const CpuTarget& target : kCpuTargets) {
    if (!HasCpuTarget(target)) continue;
    const ScopedCpuTarget use(target);
    EXPECT_EQ(Quantized(numbers, GetParam()), want) << target;
  }
}

// A model that was quantized before loses nothing more.
TEST_P(QuantizeBlocksTest, WhatItMakesComesBackUnchanged) {
  const Numbers once =
      Dequantized(Quantized(Weights(32 * 500, 2), GetParam()), GetParam());
  EXPECT_EQ(Dequantized(Quantized(once, GetParam()), GetParam()), once);
}

TEST_P(QuantizeBlocksTest, AnyFiniteNumbersGiveFiniteOnes) {
  for (float size : {0.0f, 1e-45f, 1e-30f, 1e-8f, 1e-6f, 1e5f, 1e10f,
                     std::numeric_limits<float>::max()}) {
    Numbers numbers = RandomFloats(64, 3);
    for (float& number : numbers) number *= size;
    const std::string bytes = Quantized(numbers, GetParam());
    EXPECT_TRUE(AllFinite(bytes.data(), GetParam(), 64)) << size;
    for (float number : Dequantized(bytes, GetParam())) {
      EXPECT_LE(std::fabs(number), size * 1.01f + 6e-8f) << size;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, QuantizeBlocksTest,
                         testing::Values(DType::kQ8_0, DType::kQ4_0),
                         [](const auto& info) { return NameOf(info.param); });

TEST(QuantizeQ8Test, NumbersAreWithinHalfAStep) {
  const Numbers numbers = Weights(32 * 500, 4);
  const Numbers got =
      Dequantized(Quantized(numbers, DType::kQ8_0), DType::kQ8_0);
  for (size_t b = 0; b < numbers.size(); b += 32) {
    float largest = 0;
    for (size_t i = b; i < b + 32; ++i) {
      largest = std::max(largest, std::fabs(numbers[i]));
    }
    // The scale is rounded to 11 bits, which moves the largest by 127 of them.
    const float step = largest / 127 * (1 + 1.0f / 2048);
    for (size_t i = b; i < b + 32; ++i) {
      ASSERT_LE(std::fabs(got[i] - numbers[i]), 0.57f * step) << i;
    }
  }
}

TEST(QuantizeQ4Test, IsBetterThanTheScaleOfTheLargest) {
  const Numbers numbers = Weights(32 * 500, 5);
  const Numbers got =
      Dequantized(Quantized(numbers, DType::kQ4_0), DType::kQ4_0);
  double error = 0, plain_error = 0;
  for (size_t b = 0; b < numbers.size(); b += 32) {
    const float largest = *std::max_element(
        &numbers[b], &numbers[b] + 32,
        [](float x, float y) { return std::fabs(x) < std::fabs(y); });
    const float scale = WidenHalf(NarrowToHalf(largest / -8));
    Numbers plain(b, 0.0f);
    for (size_t i = b; i < b + 32; ++i) {
      const float code = std::nearbyint(numbers[i] / scale);
      plain.push_back(scale * std::min(std::max(code, -8.0f), 7.0f));
    }
    const double here = SquaredError(numbers, got, b);
    const double plain_here = SquaredError(numbers, plain, b);
    ASSERT_LE(here, plain_here * 1.001 + 1e-12) << b;
    error += here;
    plain_error += plain_here;
  }
  EXPECT_LT(error, 0.9 * plain_error);
}

}  // namespace
}  // namespace oxbow
