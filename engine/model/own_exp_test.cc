#include "engine/model/own_exp.h"

#include <cmath>

#include "gtest/gtest.h"

namespace oxbow {
namespace {

TEST(OwnExpTest, IsTheExponentialFunction) {
  for (int i = -7000; i <= 7000; ++i) {
    const double x = i * 0.0999;
    EXPECT_NEAR(OwnExp(x) / std::exp(x), 1.0, 4e-16) << x;
  }
  EXPECT_EQ(OwnExp(0.0), 1.0);
}

TEST(OwnExpTest, ClampsWhatIsOutOfRange) {
  EXPECT_EQ(OwnExp(1e300), OwnExp(700.0));
  EXPECT_EQ(OwnExp(-1e300), OwnExp(-700.0));
  EXPECT_GT(OwnExp(-1e300), 0.0);
  EXPECT_TRUE(std::isfinite(OwnExp(INFINITY)));
}

}  // namespace
}  // namespace oxbow
