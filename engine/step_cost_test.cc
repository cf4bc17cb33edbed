#include "engine/step_cost.h"

#include "gtest/gtest.h"

namespace oxbow {
namespace {

constexpr double kMs = 1e-3;

TEST(StepCostTest, KnowsNothingAtFirst) {
  const StepCost cost;
  EXPECT_FALSE(cost.Alone(1).has_value());
  EXPECT_TRUE(cost.IsDue(1));
  EXPECT_FALSE(cost.Extra(10).has_value());
}

TEST(StepCostTest, RowsOfAClassTakeAtMostTheirPart) {
  StepCost cost;
  cost.Add(12, 0, 6 * kMs);
  EXPECT_DOUBLE_EQ(*cost.Alone(12), 6 * kMs);
  EXPECT_DOUBLE_EQ(*cost.Alone(8), 4 * kMs);
  EXPECT_DOUBLE_EQ(*cost.Alone(15), 6 * kMs) << "never too much";
  EXPECT_FALSE(cost.Alone(16).has_value()) << "another class";
  EXPECT_FALSE(cost.Alone(7).has_value()) << "another class";
}

TEST(StepCostTest, BulkRowsAreWhatAStepTakesLonger) {
  StepCost cost;
  cost.Add(1, 0, 2 * kMs);
  cost.Add(1, 10, 7 * kMs);
  EXPECT_DOUBLE_EQ(*cost.Extra(10), 5 * kMs);
  EXPECT_DOUBLE_EQ(*cost.Extra(12), 6 * kMs);
}

TEST(StepCostTest, BesideNobodyABulkStepIsAllExtra) {
  StepCost cost;
  cost.Add(0, 256, 10 * kMs);
  EXPECT_DOUBLE_EQ(*cost.Extra(256), 10 * kMs);
}

TEST(StepCostTest, AMixedStepOfUnknownInteractiveRowsTeachesNothing) {
  StepCost cost;
  cost.Add(1, 10, 7 * kMs);
  EXPECT_FALSE(cost.Extra(10).has_value());
}

TEST(StepCostTest, UnknownClassesAnswerByTheSmallerElseByTheLarger) {
  StepCost cost;
  cost.Add(0, 256, 256 * kMs);
  EXPECT_DOUBLE_EQ(*cost.Extra(8), 8 * kMs);
  cost.Add(0, 8, 16 * kMs);
  EXPECT_DOUBLE_EQ(*cost.Extra(8), 16 * kMs);
  EXPECT_DOUBLE_EQ(*cost.Extra(100), 200 * kMs);
  EXPECT_DOUBLE_EQ(*cost.Extra(256), 256 * kMs);
  EXPECT_DOUBLE_EQ(*cost.Extra(4), 8 * kMs);
}

TEST(StepCostTest, TwoBadStepsOfFiveChangeNothing) {
  StepCost cost;
  for (double ms : {2.0, 50.0, 2.1, 70.0, 1.9}) {
    cost.Add(4, 0, ms * kMs);
    cost.Add(0, 20, 10 * ms * kMs);
  }
  EXPECT_DOUBLE_EQ(*cost.Alone(4), 2.1 * kMs);
  EXPECT_DOUBLE_EQ(*cost.Extra(20), 21 * kMs);
}

TEST(StepCostTest, TheNewestStepsCount) {
  StepCost cost;
  for (int i = 0; i < 100; ++i) cost.Add(4, 0, 9 * kMs);
  for (int i = 0; i < 3; ++i) cost.Add(4, 0, 2 * kMs);
  EXPECT_DOUBLE_EQ(*cost.Alone(4), 2 * kMs);
}

TEST(StepCostTest, RowsAreDueAloneAgainAfterAWhile) {
  StepCost cost;
  cost.Add(4, 0, kMs);
  int steps = 0;
  for (; !cost.IsDue(4) && steps < 1000; ++steps) cost.Add(4, 20, 3 * kMs);
  EXPECT_EQ(steps, 16);
  EXPECT_DOUBLE_EQ(*cost.Alone(4), kMs) << "the best there is";
  EXPECT_TRUE(cost.IsDue(8)) << "another class";
}

// A class that the last steps avoided may have become cheap meanwhile.
TEST(StepCostTest, OldBulkStepsAreForgotten) {
  StepCost cost;
  cost.Add(0, 64, 640 * kMs);
  for (int i = 0; i < 300; ++i) cost.Add(0, 20, 20 * kMs);
  EXPECT_DOUBLE_EQ(*cost.Extra(64), 64 * kMs);
  for (int i = 0; i < 300; ++i) cost.Add(1, 0, kMs);
  EXPECT_FALSE(cost.Extra(64).has_value());
}

TEST(StepCostTest, AClockThatWasSetBackIsNoMeasure) {
  StepCost cost;
  cost.Add(1, 0, -5);
  EXPECT_FALSE(cost.Alone(1).has_value());
  cost.Add(1, 0, 5 * kMs);
  cost.Add(1, 10, 3 * kMs);
  EXPECT_EQ(*cost.Extra(10), 0) << "no rows give time back";
}

TEST(StepCostTest, TakesAnyCount) {
  StepCost cost;
  cost.Add(1 << 30, 0, kMs);
  EXPECT_DOUBLE_EQ(*cost.Alone(1 << 30), kMs);
}

}  // namespace
}  // namespace oxbow
