#include "kernels/cpu/low_rank_row.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/testing/cpu_target.h"
#include "kernels/testing/random_floats.h"

namespace oxbow {
namespace {

// The header's words.
std::vector<float> Added(std::vector<float> row, const std::vector<float>& b,
                         const std::vector<float>& a, float scale) {
  for (size_t c = 0; c < row.size(); ++c) {
    float sum = 0.0f;
    for (size_t r = 0; r < b.size(); ++r) {
      sum = std::fma(b[r], a[r * row.size() + c], sum);
    }
    row[c] = std::fma(scale, sum, row[c]);
  }
  return row;
}

TEST(LowRankRowTest, AddsInTheOrderItPromisesOnEveryMachine) {
  for (const CpuTarget& target : kCpuTargets) {
    if (!HasCpuTarget(target)) continue;
    const ScopedCpuTarget use(target);
    for (const int width : {1, 15, 16, 17, 32, 77}) {
      for (const int rank : {1, 3, 64}) {
        const std::vector<float> row = RandomFloats(width, 1);
        const std::vector<float> b = RandomFloats(rank, 2);
        const std::vector<float> a = RandomFloats(rank * width, 3);
        // One number more shows what is written past the end.
        std::vector<float> got = row;
        got.push_back(7.0f);
        AddLowRankRow(got.data(), b.data(), a.data(), rank, width, 0.7f);
        std::vector<float> want = Added(row, b, a, 0.7f);
        want.push_back(7.0f);
        EXPECT_EQ(got, want) << target << " " << width << " " << rank;
      }
    }
  }
}

}  // namespace
}  // namespace oxbow
