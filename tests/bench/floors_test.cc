#include "tests/bench/floors.h"

#include "gtest/gtest.h"
#include "kernels/cpu/half_product.h"
#include "kernels/cpu/thread_pool.h"

namespace oxbow {
namespace {

// What no machine that runs this is outside of.
constexpr double kBandwidthMin = 1e8, kBandwidthMax = 1e13;
constexpr double kPeakMin = 1e8, kPeakMax = 1e14;

TEST(FloorsTest, ReadsWithOneThreadAndWithTwo) {
  const FloorBuffer buffer(size_t{8} << 20);
  for (int threads : {1, 2}) {
    ThreadPool pool(threads);
    const FloorReader reader(&pool, &buffer);
    EXPECT_STRNE(reader.way(), "");
    for (int passes : {1, 5}) {
      EXPECT_GT(reader.Bandwidth(passes), kBandwidthMin);
      EXPECT_LT(reader.Bandwidth(passes), kBandwidthMax);
    }
  }
}

TEST(FloorsTest, ThreadsReachEachOther) {
  EXPECT_GT(HandOverSeconds(), 1e-9);
  EXPECT_LT(HandOverSeconds(), 1);
}

TEST(FloorsTest, PeaksArePossible) {
  ThreadPool pool(1);
  EXPECT_GT(MultiplyAddPeak(pool), kPeakMin);
  EXPECT_LT(MultiplyAddPeak(pool), kPeakMax);
  EXPECT_GT(ShortMultiplyAddPeak(pool), kPeakMin);
  EXPECT_LT(ShortMultiplyAddPeak(pool), kPeakMax);
  if (!HasHalfProduct()) return;
  EXPECT_GT(HalfMultiplyAddPeak(pool), kPeakMin);
  EXPECT_LT(HalfMultiplyAddPeak(pool), kPeakMax);
}

}  // namespace
}  // namespace oxbow
