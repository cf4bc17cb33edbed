#include "kernels/cpu/short_rows.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/testing/cpu_target.h"
#include "kernels/testing/random_floats.h"

namespace oxbow {
namespace {

// One group, made short.
struct Group {
  std::vector<int16_t> q;
  float unit;
  int32_t sum;
};

class ShortRowsTest : public testing::TestWithParam<CpuTarget> {
 protected:
  void SetUp() override {
    if (!HasCpuTarget(GetParam())) GTEST_SKIP() << "lacks " << GetParam();
  }
  static Group Shorten(std::vector<float> x) {
    const ScopedCpuTarget use(GetParam());
    ShortRowsRoom room;
    const Rows rows{x.data(), 1, kShortGroup, kShortGroup};
    room.Resize(rows);
    room.Fill(rows, 0);
    const ShortRows got = room.rows();
    return {{got.row(0), got.row(0) + kShortGroup}, got.units[0], got.sums[0]};
  }
};

TEST_P(ShortRowsTest, IsTheNearestMultipleOfAPowerOfTwo) {
  for (int power = -110; power <= 120; power += 5) {
    std::vector<float> x = RandomFloats(kShortGroup, 200 + power);
    for (float& number : x) number = std::ldexp(number, power);
    const Group group = Shorten(x);
    float largest = 0;
    for (float number : x) largest = std::max(largest, std::fabs(number));
    int exponent;
    std::frexp(largest, &exponent);  // largest < 2^exponent
    EXPECT_EQ(group.unit, std::ldexp(1.0f, exponent - 15)) << power;
    for (int i = 0; i < kShortGroup; ++i) {
      EXPECT_EQ(group.q[i], std::nearbyint(x[i] / group.unit)) << x[i];
    }
    EXPECT_EQ(group.sum, std::accumulate(group.q.begin(), group.q.end(), 0));
  }
}

// Rounding up would leave 16 bits; down would not.
TEST_P(ShortRowsTest, KeepsToSixteenBits) {
  std::vector<float> x(kShortGroup, 0.0f);
  x[3] = std::nextafter(2.0f, 0.0f);
  x[30] = -x[3];
  const Group group = Shorten(x);
  EXPECT_EQ(group.q[3], 32767);
  EXPECT_EQ(group.q[30], -32768);
  EXPECT_EQ(group.sum, -1);
}

TEST_P(ShortRowsTest, TiesGoToEven) {
  std::vector<float> x(kShortGroup, 0.0f);
  x[0] = 16384.0f;  // the unit is 1
  x[1] = 0.5f;
  x[2] = 1.5f;
  x[31] = -2.5f;
  const Group group = Shorten(x);
  EXPECT_EQ(group.unit, 1.0f);
  EXPECT_EQ(group.q[1], 0);
  EXPECT_EQ(group.q[2], 2);
  EXPECT_EQ(group.q[31], -2);
}

TEST_P(ShortRowsTest, ZerosAndTheSmallestNumbersAreFinite) {
  std::vector<float> x(kShortGroup, 0.0f);
  EXPECT_EQ(Shorten(x).q, std::vector<int16_t>(kShortGroup, 0));
  EXPECT_TRUE(std::isfinite(Shorten(x).unit));
  x[5] = std::numeric_limits<float>::denorm_min();
  EXPECT_EQ(Shorten(x).q, std::vector<int16_t>(kShortGroup, 0));
  x[5] = std::numeric_limits<float>::max();
  EXPECT_EQ(Shorten(x).q[5], 32767);
}

TEST_P(ShortRowsTest, WhatIsNotFiniteIsSeen) {
  for (float bad : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    std::vector<float> x(kShortGroup, 1.0f);
    x[17] = bad;
    EXPECT_TRUE(std::isnan(Shorten(x).unit)) << bad;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, ShortRowsTest, testing::ValuesIn(kCpuTargets),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace oxbow
