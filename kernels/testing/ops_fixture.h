// What tests of the ops share: rows to work on, and every backend in turn.
#ifndef OXBOW_KERNELS_TESTING_OPS_FIXTURE_H_
#define OXBOW_KERNELS_TESTING_OPS_FIXTURE_H_

#include <cmath>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/ops.h"
#include "kernels/testing/cpu_target.h"

namespace oxbow {

using Numbers = std::vector<float>;

// Rows of their own, with a pitch wider than they are.
struct OwnedRows {
  OwnedRows(int count, int width, Numbers from = {})
      : numbers(count * (width + 5), -7.0f), width(width), count(count) {
    for (size_t i = 0; i < from.size(); ++i) {
      numbers[i / width * (width + 5) + i % width] = from[i];
    }
  }
  operator Rows() { return Rows{numbers.data(), count, width, width + 5}; }
  Numbers Get() const {
    Numbers got;
    for (int n = 0; n < count; ++n) {
      const auto row = numbers.begin() + n * (width + 5);
      got.insert(got.end(), row, row + width);
      for (int pad = 0; pad < 5; ++pad) EXPECT_EQ(row[width + pad], -7.0f);
    }
    return got;
  }

  Numbers numbers;
  int width, count;
};

inline void ExpectNear(const Numbers& got, const std::vector<double>& want,
                       double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], want[i], tolerance) << i;
  }
}

inline double SigmoidOf(double x) { return 1 / (1 + std::exp(-x)); }

using OpsParam = std::tuple<int, CpuTarget>;  // threads

class OpsTest : public testing::TestWithParam<OpsParam> {
 protected:
  void SetUp() override {
    if (!HasCpuTarget(std::get<1>(GetParam()))) {
      GTEST_SKIP() << "this CPU lacks " << std::get<1>(GetParam());
    }
    target_ = std::make_unique<ScopedCpuTarget>(std::get<1>(GetParam()));
    ops_ = *CpuOps::Create(std::get<0>(GetParam()));
  }

  Vector Pack(const Numbers& numbers) { return *ops_->PackVector(numbers); }
  Matrix PackMatrix(const Numbers& numbers, int outputs, int inputs) {
    return *ops_->Pack({numbers.data(), DType::kF32, outputs, inputs}, false);
  }

  std::unique_ptr<ScopedCpuTarget> target_;
  std::unique_ptr<Ops> ops_;
};

inline std::string OpsParamName(const testing::TestParamInfo<OpsParam>& info) {
  return std::string(std::get<1>(info.param).name) + "Threads" +
         std::to_string(std::get<0>(info.param));
}

inline auto OpsParams() {
  return testing::Combine(testing::Values(1, 3),
                          testing::ValuesIn(kCpuTargets));
}

}  // namespace oxbow

#endif  // OXBOW_KERNELS_TESTING_OPS_FIXTURE_H_
