// kill -9 at any moment: what was acknowledged is there, and whole.
#include <memory>
#include <random>

#include "base/soak.h"
#include "gtest/gtest.h"
#include "store/rocks_store.h"
#include "store/testing/faulty_file_system.h"
#include "store/testing/killed_writer.h"
#include "store/testing/numbered_batches.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"

namespace oxbow {
namespace {

TEST(CrashTest, KilledAtAnyMoment) {
  std::mt19937 random(SoakSeed(1));
  TestFolder folder;
  TurnedClock clock;
  uint64_t count = 0;
  int unknown_but_durable = 0;
  for (int round = 0; round < Soaked(20); ++round) {
    const uint64_t acked =
        WriteAndKill(folder.path(), static_cast<int>(random() % 100), count);
    ASSERT_GT(acked, count);
    auto store = OpenRocksStore(SmallRocksOptions(folder.path(), &clock));
    ASSERT_OK(store);
    const auto whole = NumberedBatches::CountWhole(**store);
    ASSERT_OK(whole);
    // One more may have been written and not acknowledged.
    ASSERT_TRUE(*whole == acked || *whole == acked + 1)
        << acked << " acknowledged, " << *whole << " there";
    if (*whole > acked) ++unknown_but_durable;
    count = *whole;
  }
  RecordProperty("batches", static_cast<int>(count));
  RecordProperty("unknown_but_durable", unknown_but_durable);
}

// The disk forgets all that was not synced: a stricter judge than kill -9,
// which loses nothing the system was given.
TEST(CrashTest, PowerCutAtAnyWrite) {
  std::mt19937 random(SoakSeed(2));
  TestFolder folder;
  TurnedClock clock;
  RocksStoreOptions options = SmallRocksOptions(folder.path(), &clock);
  ASSERT_OK(OpenRocksStore(options));
  const auto disk = std::make_shared<FaultyFileSystem>();
  options.file_system = disk;
  uint64_t count = 0;
  for (int round = 0; round < Soaked(20); ++round) {
    uint64_t acked = count;
    disk->CutPower(static_cast<int>(random() % 150));
    {
      auto store = OpenRocksStore(options);
      if (store.ok()) {
        auto batches = NumberedBatches::GoOn(**store);
        ASSERT_OK(batches);
        while ((*store)->Write(batches->Next(), /*sync=*/true).ok()) ++acked;
      }
    }
    disk->LoseUnsynced();
    auto store = OpenRocksStore(options);
    ASSERT_OK(store) << "round " << round;
    const auto whole = NumberedBatches::CountWhole(**store);
    ASSERT_OK(whole);
    ASSERT_TRUE(*whole == acked || *whole == acked + 1)
        << acked << " acknowledged, " << *whole << " there";
    count = *whole;
  }
  EXPECT_GT(count, 100u) << "the cuts came too early to tell anything";
}

}  // namespace
}  // namespace oxbow
