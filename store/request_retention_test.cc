#include "store/request_retention.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

absl::Time At(int minute) { return absl::UnixEpoch() + absl::Minutes(minute); }

TEST(RequestRetentionTest, NothingGoesThatIsYoungSmallAndFew) {
  EXPECT_THAT(RequestsToDrop({{"a", At(0), 100}, {"b", At(5), 100}}, At(6),
                             RequestRetention()),
              IsEmpty());
  EXPECT_THAT(RequestsToDrop({}, At(6), RequestRetention()), IsEmpty());
}

TEST(RequestRetentionTest, ADayIsKept) {
  EXPECT_THAT(RequestsToDrop({{"a", At(0), 1}, {"b", At(1), 1}}, At(24 * 60),
                             RequestRetention()),
              ElementsAre("a"));
}

TEST(RequestRetentionTest, TheNewestStay) {
  RequestRetention retention;
  retention.requests_max = 2;
  EXPECT_THAT(
      RequestsToDrop(
          {{"b", At(2), 1}, {"d", At(4), 1}, {"a", At(1), 1}, {"c", At(3), 1}},
          At(5), retention),
      UnorderedElementsAre("a", "b"));
}

TEST(RequestRetentionTest, BytesAreBoundedButForTheNewest) {
  RequestRetention retention;
  retention.bytes_max = 10;
  EXPECT_THAT(
      RequestsToDrop({{"a", At(1), 1}, {"b", At(2), 8}, {"c", At(3), 3}}, At(5),
                     retention),
      UnorderedElementsAre("a", "b"));
  EXPECT_THAT(
      RequestsToDrop({{"a", At(1), 1}, {"b", At(2), 99}}, At(5), retention),
      ElementsAre("a"));
}

}  // namespace
}  // namespace oxbow
