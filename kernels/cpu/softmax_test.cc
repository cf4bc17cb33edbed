#include "kernels/cpu/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/testing/cpu_target.h"

namespace oxbow {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<double> Numbers(int count, double lowest, double highest) {
  std::mt19937_64 random(count);
  std::vector<double> numbers(count);
  for (double& number : numbers) {
    number = std::uniform_real_distribution<double>(lowest, highest)(random);
  }
  return numbers;
}

std::vector<double> ExpsOf(const std::vector<double>& x, double shift) {
  // One number more shows what is written past the end.
  std::vector<double> y(x.size() + 1, 7.0);
  Exps(absl::MakeSpan(y).first(x.size()), x, shift);
  EXPECT_EQ(y.back(), 7.0);
  y.pop_back();
  return y;
}

TEST(SoftmaxTest, ExpsAreThoseOfTheMachineInAnyNumber) {
  for (const CpuTarget& target : kCpuTargets) {
    if (!HasCpuTarget(target)) continue;
    const ScopedCpuTarget use(target);
    for (const int count : {1, 3, 4, 15, 16, 17, 32, 5000}) {
      const std::vector<double> x = Numbers(count, -700, 3);
      const std::vector<double> y = ExpsOf(x, 3);
      for (int i = 0; i < count; ++i) {
        const double want = std::exp(x[i] - 3);
        ASSERT_NEAR(y[i], want, 4e-16 * want) << target << " " << x[i];
      }
    }
  }
}

TEST(SoftmaxTest, TheEndsOfTheScale) {
  EXPECT_EQ(ExpsOf({0, -709, -1e30, -kInfinity, std::nan(""), 700}, 0),
            (std::vector<double>{1, 0, 0, 0, 0, ExpsOf({700}, 0)[0]}));
  EXPECT_NEAR(ExpsOf({700}, 0)[0] / std::exp(700), 1, 1e-15);
}

TEST(SoftmaxTest, SumsInTheOrderItPromisesOnEveryMachine) {
  for (const CpuTarget& target : kCpuTargets) {
    if (!HasCpuTarget(target)) continue;
    const ScopedCpuTarget use(target);
    for (const int count : {1, 15, 16, 17, 40, 4096}) {
      const std::vector<double> x = Numbers(count, -30, 5);
      const std::vector<double> y = ExpsOf(x, 5);
      double partial[16] = {};
      for (int i = 0; i < count; ++i) partial[i % 16] += y[i];
      for (int half = 8; half > 0; half /= 2) {
        for (int i = 0; i < half; ++i) partial[i] += partial[i + half];
      }
      EXPECT_EQ(SumOfExps(x, 5), partial[0]) << target << " " << count;
    }
  }
}

TEST(SoftmaxTest, FindsTheLargestWhereverItIs) {
  for (const int count : {1, 2, 16, 17, 35}) {
    for (int at = 0; at < count; ++at) {
      std::vector<double> x = Numbers(count, -9, -8);
      x[at] = -1;
      EXPECT_EQ(MaxOf(x), -1) << at << " of " << count;
    }
  }
}

}  // namespace
}  // namespace oxbow
