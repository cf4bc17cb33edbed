#include "engine/error_reason.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST(ErrorReasonTest, ReasonAndFactsTravelWithTheStatus) {
  const absl::Status status = WithReason(absl::OutOfRangeError("a gap"),
                                         "OFFSET_GAP", {{"a", "1"}, {"b", ""}});
  EXPECT_TRUE(absl::IsOutOfRange(status));
  EXPECT_EQ(status.message(), "a gap");
  EXPECT_EQ(ReasonOf(status), "OFFSET_GAP");
  EXPECT_THAT(FactsOf(status),
              UnorderedElementsAre(Pair("a", "1"), Pair("b", "")));
}

TEST(ErrorReasonTest, AStatusWithoutHasNone) {
  EXPECT_EQ(ReasonOf(absl::DataLossError("lost")), "");
  EXPECT_THAT(FactsOf(absl::DataLossError("lost")), IsEmpty());
  EXPECT_EQ(ReasonOf(absl::OkStatus()), "");
}

TEST(ErrorReasonTest, OtherPayloadsAreNoFacts) {
  absl::Status status = absl::AbortedError("moved");
  status.SetPayload("elsewhere", absl::Cord("x"));
  EXPECT_THAT(FactsOf(WithReason(status, "OFFSET_MOVED")), IsEmpty());
}

}  // namespace
}  // namespace oxbow
