#include "kernels/cpu/block_product.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/blocks.h"
#include "kernels/cpu/product.h"
#include "kernels/testing/cpu_target.h"
#include "kernels/testing/random_blocks.h"
#include "kernels/testing/random_floats.h"

namespace oxbow {
namespace {

using Param = std::tuple<DType, CpuTarget>;

class BlockProductTest : public testing::TestWithParam<Param> {
 protected:
  void SetUp() override {
    if (!HasCpuTarget(std::get<1>(GetParam()))) {
      GTEST_SKIP() << "this CPU lacks " << std::get<1>(GetParam());
    }
  }
  void TearDown() override { AllowVnniForTest(true); }

  static DType dtype() { return std::get<0>(GetParam()); }

  // y[rows,outputs] by the kernel, in one call or in calls of `part` rows.
  static std::vector<float> Multiply(const RandomWeights& w,
                                     const std::vector<float>& x, int rows,
                                     int inputs, int outputs, int part) {
    const ScopedCpuTarget use(std::get<1>(GetParam()));
    const HostMatrix from{w.bytes.data(), dtype(), outputs, inputs};
    std::vector<char> packed(PanelsOf(outputs) * PanelBytes(dtype(), inputs));
    for (int p = 0; p < PanelsOf(outputs); ++p) {
      PackPanel(from, /*transposed=*/false, p, packed.data());
    }
    std::vector<float> y(rows * outputs + 1, 1234.0f);
    const Product product{
        Rows{y.data(), rows, outputs, outputs},
        Rows{const_cast<float*>(x.data()), rows, inputs, inputs},
        Matrix{packed.data(), dtype(), outputs, inputs}};
    ShortRowsRoom room;
    room.Resize(product.x);
    for (int n = 0; n < rows; ++n) room.Fill(product.x, n);
    for (int p = 0; p < PanelsOf(outputs); ++p) {
      for (int begin = 0; begin < rows; begin += part) {
        MultiplyBlockPanel(product, room.rows(), p, begin,
                           std::min(rows, begin + part));
      }
    }
    EXPECT_EQ(y.back(), 1234.0f) << "wrote past the end";
    y.pop_back();
    return y;
  }
};

// A group of 32 activations as whole multiples of a unit.
struct ShortGroup {
  double unit;
  std::vector<int> q;
};

ShortGroup Shorten(const float* x) {
  float largest = 0;
  for (int i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(x[i]));
  int exponent;
  std::frexp(largest, &exponent);
  ShortGroup group{std::ldexp(1.0, exponent - 15), {}};
  for (int i = 0; i < 32; ++i) {
    group.q.push_back(
        std::min(32767, static_cast<int>(std::nearbyint(x[i] / group.unit))));
  }
  return group;
}

// The contract of block_product.h, one output in a scalar loop.
float Reference(const uint8_t* blocks, DType dtype, const float* x,
                int inputs) {
  BlockParts parts;
  float acc = 0.0f;
  const int count = NumbersPerGroup(dtype);
  for (int k = 0; k < inputs; k += count) {
    const int in_block = k % NumbersPerBlock(dtype);
    if (in_block == 0) ReadBlock(blocks + BytesOf(dtype, k), dtype, &parts);
    const ShortGroup group = Shorten(x + k / 32 * 32);
    int sum = 0, all = 0;
    for (int i = 0; i < count; ++i) {
      sum += parts.q[in_block + i] * group.q[k % 32 + i];
      all += group.q[k % 32 + i];
    }
    const int g = in_block / count;
    const float unit = static_cast<float>(group.unit);
    const float scale = WidenHalf(parts.d) * parts.scale[g];
    const float min = WidenHalf(parts.dmin) * parts.min[g];
    acc = std::fma(scale * unit, static_cast<float>(sum), acc);
    acc = std::fma(-min * unit, static_cast<float>(all), acc);
  }
  return acc;
}

std::vector<float> Reference(const RandomWeights& w, DType dtype,
                             const std::vector<float>& x, int rows, int inputs,
                             int outputs) {
  std::vector<float> y;
  const auto* bytes = reinterpret_cast<const uint8_t*>(w.bytes.data());
  for (int n = 0; n < rows; ++n) {
    for (int o = 0; o < outputs; ++o) {
      y.push_back(Reference(bytes + BytesOf(dtype, int64_t{1} * o * inputs),
                            dtype, &x[n * inputs], inputs));
    }
  }
  return y;
}

TEST_P(BlockProductTest, IsTheScalarLoopBitForBit) {
  for (int blocks : {1, 2, 5}) {
    const int inputs = blocks * NumbersPerBlock(dtype());
    for (int outputs : {1, 64, 130}) {
      const RandomWeights w =
          MakeRandomWeights(dtype(), inputs * outputs, inputs);
      const std::vector<float> x = RandomFloats(13 * inputs, outputs);
      const std::vector<float> want =
          Reference(w, dtype(), x, 13, inputs, outputs);
      EXPECT_EQ(Multiply(w, x, 13, inputs, outputs, 13), want)
          << inputs << " to " << outputs;
      AllowVnniForTest(false);
      EXPECT_EQ(Multiply(w, x, 13, inputs, outputs, 13), want)
          << inputs << " to " << outputs << " without VNNI";
      AllowVnniForTest(true);
    }
  }
}

TEST_P(BlockProductTest, DoesNotDependOnHowRowsAreCut) {
  const int rows = 29, outputs = 70, inputs = 768;
  const RandomWeights w = MakeRandomWeights(dtype(), inputs * outputs, 5);
  const std::vector<float> x = RandomFloats(rows * inputs, 6);
  const std::vector<float> whole = Multiply(w, x, rows, inputs, outputs, rows);
  for (int part = 1; part <= 15; ++part) {
    EXPECT_EQ(Multiply(w, x, rows, inputs, outputs, part), whole) << part;
  }
}

// Each activation is off by a unit at most, and half of it nearly always; the
// sums of fp32 add a little.
TEST_P(BlockProductTest, IsNearTheDequantizedProduct) {
  const int rows = 7, outputs = 40, inputs = 1024;
  const RandomWeights w = MakeRandomWeights(dtype(), inputs * outputs, 3);
  const std::vector<float> x = RandomFloats(rows * inputs, 4);
  const std::vector<float> y = Multiply(w, x, rows, inputs, outputs, rows);
  double worst = 0;
  for (int n = 0; n < rows; ++n) {
    for (int o = 0; o < outputs; ++o) {
      double want = 0, bound = 0;
      for (int k = 0; k < inputs; ++k) {
        const double weight = w.numbers[o * inputs + k];
        const double unit = Shorten(&x[n * inputs + k / 32 * 32]).unit;
        want += weight * x[n * inputs + k];
        bound += std::fabs(weight) *
                 (unit / 2 + 1e-6 * std::fabs(x[n * inputs + k]));
      }
      const double error = std::fabs(y[n * outputs + o] - want);
      EXPECT_LE(error, bound) << n << " " << o;
      worst = std::max(worst, error / bound);
    }
  }
  EXPECT_GT(worst, 0.001) << "a bound that says nothing";
}

INSTANTIATE_TEST_SUITE_P(All, BlockProductTest,
                         testing::Combine(testing::ValuesIn(kBlockDTypes),
                                          testing::ValuesIn(kCpuTargets)),
                         [](const auto& info) {
                           return std::string(NameOf(std::get<0>(info.param))) +
                                  std::get<1>(info.param).name;
                         });

}  // namespace
}  // namespace oxbow
