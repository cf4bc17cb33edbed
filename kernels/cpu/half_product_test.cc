#include "kernels/cpu/half_product.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/cpu/product.h"
#include "kernels/testing/random_blocks.h"
#include "kernels/testing/random_floats.h"

namespace oxbow {
namespace {

std::vector<uint16_t> Halves(std::vector<float> x) {
  HalfRowsRoom room;
  const int width = static_cast<int>(x.size());
  const Rows rows{x.data(), 1, width, width};
  room.Resize(rows);
  room.Fill(rows, 0);
  return {room.rows().row(0), room.rows().row(0) + width + width % 2};
}

TEST(HalfRowsTest, AreTheNearestBf16) {
  EXPECT_EQ(Halves({1.0f, -2.0f, 0.0f, -0.0f, 3.3895314e38f}),
            (std::vector<uint16_t>{0x3f80, 0xc000, 0, 0x8000, 0x7f7f, 0}));
  // Halfway goes to even; a bit more goes up; past the largest is infinite.
  EXPECT_EQ(Halves({1.00390625f, 1.01171875f, 1.00390637f,
                    std::numeric_limits<float>::max()}),
            (std::vector<uint16_t>{0x3f80, 0x3f82, 0x3f81, 0x7f80}));
  const std::vector<uint16_t> odd = Halves({std::nanf(""), -HUGE_VALF});
  EXPECT_EQ(odd[0] & 0x7fc0, 0x7fc0);
  EXPECT_EQ(odd[1], 0xff80);
}

class HalfProductTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!HasHalfProduct()) GTEST_SKIP() << "this CPU lacks AVX-512 BF16";
  }
  static std::vector<float> Multiply(const RandomWeights& w,
                                     const std::vector<float>& x, int rows,
                                     int inputs, int outputs, int part) {
    const HostMatrix from{w.bytes.data(), DType::kBF16, outputs, inputs};
    std::vector<char> packed(PanelsOf(outputs) *
                             PanelBytes(DType::kBF16, inputs));
    std::vector<float> y(rows * outputs + 1, 1234.0f);
    const Product product{
        Rows{y.data(), rows, outputs, outputs},
        Rows{const_cast<float*>(x.data()), rows, inputs, inputs},
        Matrix{packed.data(), DType::kBF16, outputs, inputs}};
    HalfRowsRoom room;
    room.Resize(product.x);
    for (int n = 0; n < rows; ++n) room.Fill(product.x, n);
    for (int p = 0; p < PanelsOf(outputs); ++p) {
      PackPanel(from, /*transposed=*/false, p, packed.data());
      for (int begin = 0; begin < rows; begin += part) {
        MultiplyHalfPanel(product, room.rows(), p, begin,
                          std::min(rows, begin + part));
      }
    }
    EXPECT_EQ(y.back(), 1234.0f) << "wrote past the end";
    y.pop_back();
    return y;
  }
};

// Activations lose 2^-8 of themselves at most, and sums of fp32 a little.
TEST_F(HalfProductTest, IsNearTheProduct) {
  for (int inputs : {1, 2, 77, 768}) {
    for (int outputs : {1, 64, 130}) {
      const int rows = 13;
      const RandomWeights w =
          MakeRandomWeights(DType::kBF16, inputs * outputs, inputs);
      const std::vector<float> x = RandomFloats(rows * inputs, outputs);
      const std::vector<float> y = Multiply(w, x, rows, inputs, outputs, rows);
      for (int n = 0; n < rows; ++n) {
        for (int o = 0; o < outputs; ++o) {
          double want = 0, sizes = 0;
          for (int k = 0; k < inputs; ++k) {
            const double product =
                double{w.numbers[o * inputs + k]} * x[n * inputs + k];
            want += product;
            sizes += std::fabs(product);
          }
          ASSERT_NEAR(y[n * outputs + o], want, sizes / 256 + 1e-6)
              << inputs << " to " << outputs;
        }
      }
    }
  }
}

TEST_F(HalfProductTest, DoesNotDependOnHowRowsAreCut) {
  const int rows = 29, outputs = 70, inputs = 95;
  const RandomWeights w = MakeRandomWeights(DType::kBF16, inputs * outputs, 5);
  const std::vector<float> x = RandomFloats(rows * inputs, 6);
  const std::vector<float> whole = Multiply(w, x, rows, inputs, outputs, rows);
  for (int part = 1; part <= 15; ++part) {
    EXPECT_EQ(Multiply(w, x, rows, inputs, outputs, part), whole) << part;
  }
}

}  // namespace
}  // namespace oxbow
