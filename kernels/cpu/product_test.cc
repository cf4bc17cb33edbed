#include "kernels/cpu/product.h"

#include <cmath>
#include <cstring>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/testing/cpu_target.h"
#include "kernels/testing/random_blocks.h"
#include "kernels/testing/random_floats.h"

namespace oxbow {
namespace {

using Param = std::tuple<DType, CpuTarget>;

class ProductTest : public testing::TestWithParam<Param> {
 protected:
  void SetUp() override {
    if (!HasCpuTarget(std::get<1>(GetParam()))) {
      GTEST_SKIP() << "this CPU lacks " << std::get<1>(GetParam());
    }
  }

  // y[rows,outputs] by the kernel, in one call or in calls of `part` rows.
  std::vector<float> Multiply(const RandomWeights& w,
                              const std::vector<float>& x, int rows, int inputs,
                              int outputs, bool transposed, int part) {
    const ScopedCpuTarget use(std::get<1>(GetParam()));
    EXPECT_STREQ(CpuTargetName(), std::get<1>(GetParam()).name);
    const DType dtype = std::get<0>(GetParam());
    const HostMatrix from{w.bytes.data(), dtype, transposed ? inputs : outputs,
                          transposed ? outputs : inputs};
    std::vector<char> packed(PanelsOf(outputs) * PanelBytes(dtype, inputs), 77);
    for (int p = 0; p < PanelsOf(outputs); ++p) {
      PackPanel(from, transposed, p, packed.data());
    }
    std::vector<float> y(rows * outputs + 1, 1234.0f);
    const Product product{
        Rows{y.data(), rows, outputs, outputs},
        Rows{const_cast<float*>(x.data()), rows, inputs, inputs},
        Matrix{packed.data(), dtype, outputs, inputs}};
    for (int p = 0; p < PanelsOf(outputs); ++p) {
      for (int begin = 0; begin < rows; begin += part) {
        MultiplyPanel(product, p, begin, std::min(rows, begin + part));
      }
    }
    EXPECT_EQ(y.back(), 1234.0f) << "wrote past the end";
    y.pop_back();
    return y;
  }
};

// The product contract: a scalar loop of fused multiply-adds.
std::vector<float> Reference(const std::vector<float>& w,
                             const std::vector<float>& x, int rows, int inputs,
                             int outputs, bool transposed) {
  std::vector<float> y;
  for (int n = 0; n < rows; ++n) {
    for (int o = 0; o < outputs; ++o) {
      float acc = 0.0f;
      for (int k = 0; k < inputs; ++k) {
        const float weight =
            transposed ? w[k * outputs + o] : w[o * inputs + k];
        acc = std::fma(weight, x[n * inputs + k], acc);
      }
      y.push_back(acc);
    }
  }
  return y;
}

TEST_P(ProductTest, IsTheScalarLoopBitForBit) {
  const DType dtype = std::get<0>(GetParam());
  for (int inputs : {1, 2, 3, 17, 64, 77}) {
    for (int outputs : {1, 63, 64, 65, 130}) {
      for (bool transposed : {false, true}) {
        const RandomWeights w =
            MakeRandomWeights(dtype, inputs * outputs, inputs);
        const std::vector<float> x = RandomFloats(13 * inputs, outputs);
        EXPECT_EQ(Multiply(w, x, 13, inputs, outputs, transposed, 13),
                  Reference(w.numbers, x, 13, inputs, outputs, transposed))
            << inputs << " to " << outputs << " transposed " << transposed;
      }
    }
  }
}

TEST_P(ProductTest, ManyRowsAreTheScalarLoopToo) {
  const DType dtype = std::get<0>(GetParam());
  const int inputs = 1024, outputs = 10, rows = 203;
  const RandomWeights w = MakeRandomWeights(dtype, inputs * outputs, 7);
  const std::vector<float> x = RandomFloats(rows * inputs, 8);
  EXPECT_EQ(Multiply(w, x, rows, inputs, outputs, false, rows),
            Reference(w.numbers, x, rows, inputs, outputs, false));
}

TEST_P(ProductTest, DoesNotDependOnHowRowsAreCut) {
  const DType dtype = std::get<0>(GetParam());
  const int rows = 29, outputs = 70, inputs = 95;
  const RandomWeights w = MakeRandomWeights(dtype, inputs * outputs, 5);
  const std::vector<float> x = RandomFloats(rows * inputs, 6);
  const std::vector<float> whole =
      Multiply(w, x, rows, inputs, outputs, false, rows);
  for (int part = 1; part <= 15; ++part) {
    EXPECT_EQ(Multiply(w, x, rows, inputs, outputs, false, part), whole)
        << part;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, ProductTest,
    testing::Combine(testing::Values(DType::kF32, DType::kF16, DType::kBF16),
                     testing::ValuesIn(kCpuTargets)),
    [](const auto& info) {
      return std::string(NameOf(std::get<0>(info.param))) +
             std::get<1>(info.param).name;
    });

}  // namespace
}  // namespace oxbow
