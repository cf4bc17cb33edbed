// A plan says what the sweep then does.
#include "store/plan_sweep.h"

#include <string>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/rocks_store_fixture.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SweepPlanTest : public RocksStoreTest {
 protected:
  SweepPlanTest() { EXPECT_OK(Open()); }

  StreamUid Make(const std::string& name, absl::Time expires,
                 StreamUid parent = 0) {
    StoreBatch batch;
    StreamRecord stream;
    stream.uid = *store_->NewUid();
    stream.name = name;
    stream.expires = expires;
    LogAuthor author(Position{parent == 0 ? 0u : 4u, 0});
    if (parent != 0) {
      stream.ancestry.push_back({parent, {4, 0}, false, absl::nullopt});
    }
    batch.put_streams.push_back(stream);
    batch.appends.push_back({stream.uid, author.Text(std::string(9000, 'x'))});
    Checkpoint checkpoint;
    checkpoint.header.uid = stream.uid;
    checkpoint.header.reader = "generator";
    checkpoint.state = std::string(50000, 's');
    batch.put_checkpoints.push_back(checkpoint);
    EXPECT_OK(store_->Write(batch, /*sync=*/true));
    return stream.uid;
  }
};

TEST_F(SweepPlanTest, SaysWhatTheSweepThenRemoves) {
  const absl::Time now = clock_.Now();
  Make("stays", absl::InfiniteFuture());
  const StreamUid gone = Make("gone", now + absl::Seconds(1));
  const StreamUid parent = Make("parent", now + absl::Seconds(1));
  Make("child", absl::InfiniteFuture(), parent);
  const StreamUid deleted = Make("deleted", absl::InfiniteFuture());
  EXPECT_THAT(store_->PlanSweep(now)->uids, IsEmpty());
  ASSERT_OK(store_->DeleteStream(deleted));
  const absl::Time later = now + absl::Seconds(2);
  const auto plan = store_->PlanSweep(later);
  ASSERT_OK(plan);
  EXPECT_THAT(plan->expired, ElementsAre("gone", "parent"));
  EXPECT_THAT(plan->uids, ElementsAre(deleted, gone));
  // Two states, and two logs that may have shrunk.
  EXPECT_GT(plan->bytes, 100000u);
  EXPECT_LT(plan->bytes, 200000u);
  // Beside the open store, read only, it is the same.
  const auto beside = PlanSweepOf(options_, later);
  ASSERT_OK(beside);
  EXPECT_EQ(beside->uids, plan->uids);
  // Nothing was changed by either.
  EXPECT_THAT(store_->PlanSweep(later)->uids, ElementsAre(deleted, gone));
  EXPECT_EQ(*store_->Sweep(later), 2);
  EXPECT_THAT(store_->PlanSweep(later)->uids, IsEmpty());
}

}  // namespace
}  // namespace oxbow
