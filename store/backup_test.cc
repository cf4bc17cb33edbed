// Backups of a store under load, restored and held against what was
// acknowledged.
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/soak.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/backup_folder.h"
#include "store/keys.h"
#include "store/open_rocks_db.h"
#include "store/restore_backup.h"
#include "store/testing/numbered_batches.h"
#include "store/testing/rocks_store_fixture.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;
using absl::StatusCode;
using testing::IsEmpty;

class BackupTest : public RocksStoreTest {
 protected:
  BackupTest() {
    EXPECT_OK(Open());
    EXPECT_OK(store_->NewUid());  // NumberedBatches' own
    backups_ = *BackupFolder::Open(Path("backups"));
  }

  // Writes the next numbered batch, synced.
  void WriteOne() {
    auto batches = NumberedBatches::GoOn(*store_);
    ASSERT_OK(batches);
    ASSERT_OK(store_->Write(batches->Next(), /*sync=*/true));
  }
  absl::StatusOr<RestoredStore> Restore(const std::string& name,
                                        absl::optional<uint32_t> id = {}) {
    RestoreOptions options;
    options.backups = Path("backups");
    options.id = id;
    options.store = Path(name);
    return RestoreBackup(options);
  }
  // How many numbered batches a store holds, all of them whole.
  uint64_t CountIn(const std::string& name) {
    auto store = OpenRocksStore(SmallRocksOptions(Path(name), &clock_));
    EXPECT_OK(store);
    if (!store.ok()) return 0;
    const auto count = NumberedBatches::CountWhole(**store);
    EXPECT_OK(count);
    return count.value_or(0);
  }
  // A file below `folder` that ends so.
  std::string FileIn(const std::string& folder, const std::string& end) {
    return NewestOf(Path(folder), end);
  }

  std::unique_ptr<BackupFolder> backups_;
};

TEST_F(BackupTest, EveryOneUnderLoadRestoresAndHoldsWhatWasAcknowledged) {
  std::atomic<uint64_t> acknowledged{0};
  std::atomic<uint64_t> wanted{40};  // so that slow disks restore no more
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    NumberedBatches batches = *NumberedBatches::GoOn(*store_);
    while (!stop) {
      if (acknowledged >= wanted) {
        absl::SleepFor(absl::Milliseconds(1));
        continue;
      }
      ASSERT_OK(store_->Write(batches.Next(), /*sync=*/true));
      ++acknowledged;
    }
  });
  for (int i = 1; i <= Soaked(20); ++i) {
    // Half before and half while it is made.
    while (acknowledged + 20 < wanted) absl::SleepFor(absl::Milliseconds(1));
    const uint64_t before = acknowledged;
    const auto backup = store_->BackUp(backups_.get());
    ASSERT_OK(backup);
    wanted += 40;
    EXPECT_EQ(backup->id, static_cast<uint32_t>(i));
    const std::string name = absl::StrCat("restored", i);
    const auto restored = Restore(name, backup->id);
    ASSERT_OK(restored);
    EXPECT_THAT(restored->report.findings, IsEmpty());
    EXPECT_GE(CountIn(name), before) << "backup " << i;
    fs::remove_all(Path(name));
  }
  stop = true;
  writer.join();
  EXPECT_EQ(backups_->List().size(), static_cast<size_t>(Soaked(20)));
}

TEST_F(BackupTest, UnchangedFilesAreCopiedOnce) {
  for (int i = 0; i < 100; ++i) WriteOne();
  ASSERT_OK(Open());  // Everything into files.
  ASSERT_OK(store_->BackUp(backups_.get()));
  const size_t shared = FilesOf(Path("backups/shared_checksum")).size();
  ASSERT_OK(store_->BackUp(backups_.get()));
  EXPECT_GT(shared, 0u);
  EXPECT_EQ(FilesOf(Path("backups/shared_checksum")).size(), shared);
}

TEST_F(BackupTest, EarlierBackupsStayWhatTheyWere) {
  WriteOne();
  ASSERT_OK(store_->BackUp(backups_.get()));
  for (int i = 0; i < 50; ++i) WriteOne();
  ASSERT_OK(store_->BackUp(backups_.get()));
  ASSERT_OK(Restore("first", 1));
  ASSERT_OK(Restore("newest"));
  EXPECT_EQ(CountIn("first"), 1u);
  EXPECT_EQ(CountIn("newest"), 51u);
}

TEST_F(BackupTest, OldOnesGoAndTheOthersStayWhole) {
  for (int i = 0; i < 5; ++i) {
    WriteOne();
    ASSERT_OK(store_->BackUp(backups_.get()));
  }
  ASSERT_OK(backups_->KeepNewest(2));
  const auto list = ListBackups(Path("backups"));
  ASSERT_OK(list);
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ((*list)[0].id, 4u);
  EXPECT_GT((*list)[0].bytes, 0u);
  ASSERT_OK(Restore("store4", 4));
  EXPECT_EQ(CountIn("store4"), 4u);
  EXPECT_THAT(Restore("store3", 3), StatusIs(StatusCode::kNotFound));
}

TEST_F(BackupTest, ARestoredStoreGoesOn) {
  for (int i = 0; i < 30; ++i) WriteOne();
  ASSERT_OK(store_->BackUp(backups_.get()));
  ASSERT_OK(Restore("again"));
  options_.path = Path("again");
  ASSERT_OK(Open());
  WriteOne();
  EXPECT_EQ(*store_->NewUid(), 1001u);  // Never given before.
  ASSERT_OK(Open());
  ASSERT_OK(store_->BackUp(backups_.get()));
  ASSERT_OK(Restore("third"));
  EXPECT_EQ(CountIn("third"), 31u);
}

TEST_F(BackupTest, AFolderThatHoldsSomethingIsNotRestoredInto) {
  WriteOne();
  ASSERT_OK(store_->BackUp(backups_.get()));
  fs::create_directories(Path("full"));
  std::ofstream(Path("full/thesis.txt")) << "years of work";
  EXPECT_THAT(Restore("full"), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(FilesOf(Path("full")).size(), 1u);
  ASSERT_OK(Restore("again"));
  EXPECT_THAT(Restore("again"), StatusIs(StatusCode::kFailedPrecondition));
}

TEST_F(BackupTest, AFolderOfSomethingElseIsNoFolderOfBackups) {
  fs::create_directories(Path("other"));
  std::ofstream(Path("other/thesis.txt")) << "years of work";
  EXPECT_THAT(BackupFolder::Open(Path("other")),
              StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(BackupFolder::Open(Path("backups")),
              StatusIs(StatusCode::kFailedPrecondition));  // ours, in use
  EXPECT_THAT(ListBackups(Path("other")), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(Restore("x"), StatusIs(StatusCode::kNotFound));
  EXPECT_FALSE(fs::exists(Path("x")));
}

// Each kind of file of a backup: a flipped bit is found, and no store is made.
TEST_F(BackupTest, ADamagedBackupIsNotMadeAStore) {
  for (int i = 0; i < 40; ++i) WriteOne();
  ASSERT_OK(Open());
  WriteOne();
  ASSERT_OK(store_->BackUp(backups_.get()));
  for (const char* end : {".sst", ".blob", ".log"}) {
    const std::string file = FileIn("backups", end);
    ASSERT_NE(file, "") << end;
    const std::string whole = FilesOf(Path("backups")).at(file);
    std::string bytes = whole;
    bytes[bytes.size() / 2] ^= 1;
    std::ofstream(file, std::ios::binary) << bytes;
    EXPECT_THAT(Restore("damaged"), StatusIs(StatusCode::kDataLoss)) << end;
    EXPECT_FALSE(fs::exists(Path("damaged/rocksdb")));
    options_.path = Path("damaged");
    EXPECT_THAT(Open(), StatusIs(StatusCode::kFailedPrecondition));
    fs::remove_all(Path("damaged"));
    std::ofstream(file, std::ios::binary) << whole;
  }
  EXPECT_OK(Restore("whole"));
}

// What was damaged before it was backed up is found, too.
TEST_F(BackupTest, ADamagedStoreIsFoundWhenItIsRestored) {
  for (int i = 0; i < 10; ++i) WriteOne();
  ASSERT_OK(store_->BackUp(backups_.get()));
  {
    store_ = nullptr;
    const auto opened = OpenRocksDb(options_);
    ASSERT_OK(opened);
    RocksDb& db = *opened->db;
    ASSERT_TRUE(db.raw()
                    .Put({}, db.handle(Family::kState),
                         CheckpointKey(1, "generator", 9), "another state")
                    .ok());
  }
  ASSERT_OK(Open());
  ASSERT_OK(store_->BackUp(backups_.get()));
  const auto restored = Restore("damaged");
  ASSERT_OK(restored);
  EXPECT_EQ(restored->report.findings_count, 1u);
  EXPECT_FALSE(fs::exists(Path("damaged/rocksdb")));
  ASSERT_OK(Restore("whole", 1));
}

TEST_F(BackupTest, AStoppedBackupIsNone) {
  for (int i = 0; i < 50; ++i) WriteOne();
  backups_->Stop();
  EXPECT_THAT(store_->BackUp(backups_.get()), StatusIs(StatusCode::kCancelled));
  EXPECT_THAT(backups_->List(), IsEmpty());
  backups_ = nullptr;
  backups_ = *BackupFolder::Open(Path("backups"));
  ASSERT_OK(store_->BackUp(backups_.get()));
  EXPECT_OK(Restore("whole"));
}

TEST_F(BackupTest, OnesThatEndedInACrashAreNone) {
  for (int i = 0; i < 20; ++i) WriteOne();
  ASSERT_OK(store_->BackUp(backups_.get()));
  // What a crash in the middle of the second leaves.
  fs::create_directories(Path("backups/private/2"));
  std::ofstream(Path("backups/private/2/CURRENT")) << "half";
  std::ofstream(Path("backups/meta/2.tmp")) << "half";
  backups_ = nullptr;
  backups_ = *BackupFolder::Open(Path("backups"));
  EXPECT_EQ(backups_->List().size(), 1u);
  ASSERT_OK(store_->BackUp(backups_.get()));
  ASSERT_OK(Restore("whole"));
  EXPECT_EQ(CountIn("whole"), 20u);
}

}  // namespace
}  // namespace oxbow
