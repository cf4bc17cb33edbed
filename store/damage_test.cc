// What a bad disk does to a store's files is noticed or harmless, never
// believed.
#include "store/testing/damage.h"

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/soak.h"
#include "gtest/gtest.h"
#include "store/open_rocks_db.h"
#include "store/rocks_store.h"
#include "store/testing/is_sentence.h"
#include "store/testing/killed_writer.h"
#include "store/testing/numbered_batches.h"
#include "store/testing/rocks_store_fixture.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;

constexpr int kBatches = 60;
// A length that a damaged file tells must not be believed, either. Sanitizers
// hold back much of what is freed.
constexpr uint64_t kMemoryBytesMax = uint64_t{1} << 30;

class DamageTest : public testing::Test {
 protected:
  // With a log of changes still to be replayed.
  void MakeKilledStore() {
    acknowledged_ = WriteAndKill(Path("store"), kBatches, 0);
    // One more may be there, of which nobody was told.
    fs::copy(Path("store"), Path("whole"), fs::copy_options::recursive);
    auto store = OpenRocksStore(SmallRocksOptions(Path("whole"), &clock_));
    ASSERT_OK(store);
    const auto whole = NumberedBatches::CountWhole(**store);
    ASSERT_OK(whole);
    whole_ = *whole;
    ASSERT_GE(whole_, acknowledged_);
    ASSERT_GE(acknowledged_, static_cast<uint64_t>(kBatches));
  }
  // Everything in files of their own.
  void MakeClosedStore() {
    auto store = OpenRocksStore(SmallRocksOptions(Path("store"), &clock_));
    ASSERT_OK(store);
    auto batches = NumberedBatches::GoOn(**store);
    for (int i = 0; i < kBatches; ++i) {
      ASSERT_OK((*store)->Write(batches->Next(), /*sync=*/i % 2 == 1));
    }
    acknowledged_ = whole_ = kBatches;
  }

  // Damages as many copies of the store, each in one place, and tells what came
  // of it.
  void DamageCopies(const char* name, Damage damage, int copies) {
    refused_ = noticed_ = harmless_ = 0;
    for (int i = 0; i < copies; ++i) {
      fs::remove_all(Path("copy"));
      fs::copy(Path("store"), Path("copy"), fs::copy_options::recursive);
      SCOPED_TRACE(DamageAFile(Path("copy"), damage, &random_));
      Judge();
    }
    EXPECT_GT(refused_ + noticed_, copies / 4);
    EXPECT_LT(PeakMemoryBytes(), kMemoryBytesMax);
    std::cout << copies << " " << name << ": " << refused_
              << " stores refused, " << noticed_ << " noticed when read, "
              << harmless_ << " harmless\n";
  }
  void DamageAll() {
    DamageCopies("flipped bits", Damage::kFlippedBit, Soaked(60));
    DamageCopies("truncated files", Damage::kTruncation, Soaked(15));
    DamageCopies("zeroed blocks", Damage::kZeroedBlock, Soaked(8));
  }

  void Judge() {
    auto store = OpenRocksStore(SmallRocksOptions(Path("copy"), &clock_));
    if (!store.ok()) {
      EXPECT_THAT(store, StatusIs(absl::StatusCode::kDataLoss));
      EXPECT_TRUE(IsSentence(store.status()));
      ++refused_;
      return;
    }
    const auto count = NumberedBatches::CountWhole(**store);
    if (!count.ok()) {
      EXPECT_THAT(count, StatusIs(absl::StatusCode::kDataLoss));
      EXPECT_TRUE(IsSentence(count.status()));
      ++noticed_;
      return;
    }
    EXPECT_GE(*count, acknowledged_);
    EXPECT_LE(*count, whole_);
    ++harmless_;
  }

  std::string Path(const std::string& name) {
    return folder_.path() + "/" + name;
  }

  TestFolder folder_;
  TurnedClock clock_;
  std::mt19937 random_{static_cast<uint32_t>(SoakSeed(11))};
  uint64_t acknowledged_ = 0;
  uint64_t whole_ = 0;
  int refused_ = 0;
  int noticed_ = 0;
  int harmless_ = 0;
};

TEST_F(DamageTest, OfAClosedStore) {
  ASSERT_NO_FATAL_FAILURE(MakeClosedStore());
  DamageAll();
}

TEST_F(DamageTest, OfAKilledStore) {
  ASSERT_NO_FATAL_FAILURE(MakeKilledStore());
  DamageAll();
}

class DamagedLogTest : public RocksStoreTest {
 protected:
  static constexpr uint64_t kLogBlockBytes = 32 << 10;

  uint64_t LogBytes() { return fs::file_size(NewestOf(options_.path, ".log")); }

  // Appends until a record ends where a block of the log of changes does.
  void FillTheBlock() {
    while (true) {
      const uint64_t before = LogBytes();
      ASSERT_OK(Append(std::string(200, 'a')));
      const uint64_t overhead = LogBytes() - before - 200;
      const uint64_t left = kLogBlockBytes - LogBytes() % kLogBlockBytes;
      if (left < overhead + 100 || left > 8000) continue;
      // What is left is too small for the begin of another one.
      ASSERT_OK(Append(std::string(left - overhead - 3, 'b')));
      if (LogBytes() % kLogBlockBytes > kLogBlockBytes - 7) return;
    }
  }
};

// RocksDB passes over zeros where a record would begin, as over a file that was
// made longer than what was written, and goes on behind the block.
TEST_F(DamagedLogTest, AWholeBlockOfItIsMissed) {
  options_.wal_bytes_max = 64 << 20;
  options_.memtable_bytes_max = 64 << 20;
  ASSERT_OK(Open());
  ASSERT_OK(store_->SetProperty("early", "fact"));
  ASSERT_NO_FATAL_FAILURE(FillTheBlock());
  ASSERT_OK(store_->SetProperty("late", "fact"));
  const std::string log = NewestOf(options_.path, ".log");
  fs::copy(options_.path, Path("killed"), fs::copy_options::recursive);
  options_.path = Path("killed");
  ZeroBlock(NewestOf(options_.path, ".log"), 0);
  const absl::Status status = Open();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_TRUE(IsSentence(status));
}

// An older file of it as zeros: the newest change is there, so the mark does
// not tell.
TEST_F(DamagedLogTest, AWholeFileOfItIsMissed) {
  auto opened = OpenRocksDb(options_);
  ASSERT_OK(opened);
  RocksDb& db = *opened->db;
  rocksdb::WriteOptions synced;
  synced.sync = true;
  for (int file = 0; file < 3; ++file) {
    for (int key = 0; key < 3; ++key) {
      ASSERT_TRUE(db.raw()
                      .Put(synced, db.handle(Family::kLog),
                           absl::StrCat(file, key), "value")
                      .ok());
    }
    // Another family's flush begins another file.
    rocksdb::ColumnFamilyHandle* other = db.handle(Family::kEmbedding);
    ASSERT_TRUE(db.raw().Put(synced, other, "key", "value").ok());
    if (file < 2) {
      ASSERT_TRUE(db.raw().Flush({}, other).ok());
    }
  }
  for (const char* copy : {"whole", "zeroed"}) {
    fs::copy(options_.path, Path(copy), fs::copy_options::recursive);
  }
  std::vector<std::string> logs;
  for (const auto& file : FilesOf(Path("zeroed"))) {
    if (absl::EndsWith(file.first, ".log")) logs.push_back(file.first);
  }
  ASSERT_EQ(logs.size(), 3u);
  ZeroBlock(logs[1], 0);
  options_.path = Path("whole");
  EXPECT_OK(Open());
  options_.path = Path("zeroed");
  const absl::Status status = Open();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_TRUE(IsSentence(status));
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("are lost"));
}

}  // namespace
}  // namespace oxbow
