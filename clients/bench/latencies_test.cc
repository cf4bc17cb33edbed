#include "clients/bench/latencies.h"

#include "gtest/gtest.h"

namespace oxbow::bench {
namespace {

TEST(LatenciesTest, NoneHaveNoPercentile) {
  EXPECT_EQ(Latencies().Percentile(50), absl::nullopt);
}

TEST(LatenciesTest, OfOneAllAreThatOne) {
  Latencies latencies;
  latencies.Add(absl::Milliseconds(250));
  EXPECT_DOUBLE_EQ(*latencies.Percentile(50), 0.25);
  EXPECT_DOUBLE_EQ(*latencies.Percentile(99), 0.25);
}

TEST(LatenciesTest, TakesTheNearestRankWhateverTheOrder) {
  Latencies latencies;
  for (int i = 200; i >= 1; --i) latencies.Add(absl::Seconds(i));
  EXPECT_EQ(latencies.count(), 200);
  EXPECT_DOUBLE_EQ(*latencies.Percentile(50), 100);
  EXPECT_DOUBLE_EQ(*latencies.Percentile(99), 198);
  EXPECT_DOUBLE_EQ(*latencies.Percentile(100), 200);
  EXPECT_DOUBLE_EQ(*latencies.Percentile(0.1), 1);
}

}  // namespace
}  // namespace oxbow::bench
