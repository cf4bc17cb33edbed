// What a bad disk does to a folder of backups is noticed or harmless: what is
// restored is what was backed up.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <string>

#include "base/soak.h"
#include "gtest/gtest.h"
#include "store/backup_folder.h"
#include "store/restore_backup.h"
#include "store/testing/damage.h"
#include "store/testing/is_sentence.h"
#include "store/testing/numbered_batches.h"
#include "store/testing/rocks_store_fixture.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;
using absl::StatusCode;

constexpr int kBatches = 40;  // of each backup

class BackupDamageTest : public RocksStoreTest {
 protected:
  // Two, which share files.
  void MakeBackups() {
    auto backups = BackupFolder::Open(Path("backups"));
    ASSERT_OK(backups);
    for (int backup = 0; backup < 2; ++backup) {
      ASSERT_OK(Open());
      ASSERT_OK(store_->NewUid());  // 1 is the batches' own.
      auto batches = NumberedBatches::GoOn(*store_);
      ASSERT_OK(batches);
      for (int i = 0; i < kBatches; ++i) {
        ASSERT_OK(store_->Write(batches->Next(), /*sync=*/true));
      }
      ASSERT_OK(store_->BackUp(backups->get()));
    }
    store_ = nullptr;
  }

  void DamageCopies(const char* name, Damage damage, int copies) {
    refused_ = harmless_ = 0;
    for (int i = 0; i < copies; ++i) {
      fs::remove_all(Path("copy"));
      fs::copy(Path("backups"), Path("copy"), fs::copy_options::recursive);
      SCOPED_TRACE(DamageAFile(Path("copy"), damage, &random_));
      Judge();
    }
    EXPECT_GT(refused_, copies / 4);
    // Damage of the older one's own files.
    EXPECT_GT(harmless_, 0);
    std::cout << copies << " " << name << ": " << refused_
              << " backups refused, " << harmless_ << " harmless\n";
  }

  // The newest is restored, or not; never another in its place.
  void Judge() {
    RestoreOptions restore;
    restore.backups = Path("copy");
    restore.store = Path("restored");
    const auto restored = RestoreBackup(restore);
    if (!restored.ok()) {
      EXPECT_THAT(restored, StatusIs(StatusCode::kDataLoss));
      EXPECT_TRUE(IsSentence(restored.status()));
    }
    if (!restored.ok() || !restored->report.whole()) {
      EXPECT_FALSE(fs::exists(Path("restored/rocksdb")));
      ++refused_;
    } else {
      EXPECT_EQ(restored->backup.id, 2u);
      auto store = OpenRocksStore(SmallRocksOptions(restore.store, &clock_));
      ASSERT_OK(store);
      const auto count = NumberedBatches::CountWhole(**store);
      ASSERT_OK(count);
      EXPECT_EQ(*count, 2u * kBatches);
      ++harmless_;
    }
    fs::remove_all(restore.store);
  }

  std::mt19937 random_{static_cast<uint32_t>(SoakSeed(12))};
  int refused_ = 0;
  int harmless_ = 0;
};

TEST_F(BackupDamageTest, IsNoticedOrHarmless) {
  ASSERT_NO_FATAL_FAILURE(MakeBackups());
  DamageCopies("flipped bits", Damage::kFlippedBit, Soaked(20));
  DamageCopies("truncated files", Damage::kTruncation, Soaked(10));
  DamageCopies("zeroed blocks", Damage::kZeroedBlock, Soaked(8));
}

// The newest one's list of files is what RocksDB passes over without a word.
TEST_F(BackupDamageTest, AnOlderBackupIsNotTakenForTheNewest) {
  ASSERT_NO_FATAL_FAILURE(MakeBackups());
  fs::resize_file(Path("backups/meta/2"), 20);
  RestoreOptions restore;
  restore.backups = Path("backups");
  restore.store = Path("restored");
  const absl::Status refused = RestoreBackup(restore).status();
  EXPECT_THAT(refused, StatusIs(StatusCode::kDataLoss));
  EXPECT_TRUE(IsSentence(refused));
  EXPECT_FALSE(fs::exists(Path("restored")));
  restore.id = 2;
  EXPECT_THAT(RestoreBackup(restore), StatusIs(StatusCode::kDataLoss));
  restore.id = 1;
  const auto first = RestoreBackup(restore);
  ASSERT_OK(first);
  EXPECT_EQ(first->backup.id, 1u);
}

// RocksDB would stop the process.
TEST_F(BackupDamageTest, ListsThatDisagreeAreRefused) {
  ASSERT_NO_FATAL_FAILURE(MakeBackups());
  ASSERT_OK(Open());
  {
    auto backups = BackupFolder::Open(Path("backups"));
    ASSERT_OK(backups);
    ASSERT_OK(store_->BackUp(backups->get()));
    ASSERT_OK(store_->BackUp(backups->get()));
  }
  const std::string list = Path("backups/meta/4");
  std::string lines = FilesOf(Path("backups")).at(list);
  const size_t shared = lines.find("shared_checksum/");
  ASSERT_NE(shared, std::string::npos);
  char& digit = lines[lines.find("crc32 ", shared) + 6];
  digit = digit == '1' ? '2' : '1';
  std::ofstream(list) << lines;
  for (const absl::Status& status :
       {BackupFolder::Open(Path("backups")).status(),
        ListBackups(Path("backups")).status()}) {
    EXPECT_THAT(status, StatusIs(StatusCode::kDataLoss));
    EXPECT_TRUE(IsSentence(status));
  }
}

}  // namespace
}  // namespace oxbow
