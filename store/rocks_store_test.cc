// What is RocksStore's own: opening, what was lost, limits of trust. The
// contract itself is in stream_store_test.cc.
#include "store/rocks_store.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/keys.h"
#include "store/open_rocks_db.h"
#include "store/testing/rocks_store_fixture.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;
using absl::StatusCode;
using testing::HasSubstr;

TEST_F(RocksStoreTest, AStoreInUseIsRefusedByName) {
  ASSERT_OK(Open());
  const auto second = OpenRocksStore(options_);
  EXPECT_THAT(second, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(second.status().message()),
              testing::AllOf(HasSubstr(options_.path), HasSubstr("another")));
}

TEST_F(RocksStoreTest, AMissingStoreIsMadeOnlyWhenAskedFor) {
  options_.create_if_missing = false;
  EXPECT_THAT(Open(), StatusIs(StatusCode::kNotFound));
  EXPECT_FALSE(fs::exists(options_.path));
  options_.create_if_missing = true;
  EXPECT_OK(Open());
  options_.create_if_missing = false;
  EXPECT_OK(Open());
}

TEST_F(RocksStoreTest, AFolderOfSomethingElseIsLeftAlone) {
  fs::create_directories(options_.path);
  std::ofstream(options_.path + "/thesis.txt") << "years of work";
  const auto before = FilesOf(folder_.path());
  const absl::Status status = Open();
  EXPECT_THAT(status, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()), HasSubstr("thesis.txt"));
  EXPECT_EQ(FilesOf(folder_.path()), before);
}

TEST_F(RocksStoreTest, AnUnfinishedFirstStartIsBegunAgain) {
  fs::create_directories(options_.path + "/rocksdb.new");
  fs::create_directories(options_.path + "/lost+found");
  std::ofstream(options_.path + "/rocksdb.new/000004.log") << "half";
  EXPECT_OK(Open());
  EXPECT_FALSE(fs::exists(options_.path + "/rocksdb.new"));
}

TEST_F(RocksStoreTest, ALaterFormatIsRefusedUntouched) {
  ASSERT_OK(Open());
  store_ = nullptr;
  {
    const auto opened = OpenRocksDb(options_);
    ASSERT_OK(opened);
    ASSERT_TRUE(opened->db->raw()
                    .Put(MakeWriteOptions(true),
                         opened->db->handle(Family::kMeta), FormatKey(), "2")
                    .ok());
  }
  const auto before = FilesOf(options_.path);
  const absl::Status status = Open();
  EXPECT_THAT(status, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()), HasSubstr("format 2"));
  EXPECT_EQ(FilesOf(options_.path), before);
}

TEST_F(RocksStoreTest, AForbiddenFolderIsPermissionDenied) {
  if (geteuid() == 0) GTEST_SKIP() << "root may do anything";
  fs::create_directories(options_.path);
  fs::permissions(options_.path, fs::perms::owner_read);
  EXPECT_THAT(Open(), StatusIs(StatusCode::kPermissionDenied));
}

// The settings that promises rest on; RocksDB's defaults are others.
TEST_F(RocksStoreTest, TheSettingsStand) {
  const auto opened = OpenRocksDb(options_);
  ASSERT_OK(opened);
  const rocksdb::DBOptions db = opened->db->raw().GetDBOptions();
  EXPECT_EQ(db.wal_recovery_mode,
            rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords);
  EXPECT_TRUE(db.track_and_verify_wals_in_manifest);
  EXPECT_TRUE(db.paranoid_checks);
  EXPECT_EQ(db.max_bgerror_resume_count, 0);
  EXPECT_NE(db.file_checksum_gen_factory, nullptr);
  EXPECT_FALSE(db.manual_wal_flush);
  EXPECT_EQ(db.max_total_wal_size, options_.wal_bytes_max);
  EXPECT_EQ(db.max_open_files, options_.open_files_max);
  EXPECT_EQ(MakeWriteOptions(true).protection_bytes_per_key, 8u);
  const auto state =
      opened->db->raw().GetOptions(opened->db->handle(Family::kState));
  EXPECT_TRUE(state.enable_blob_files);
  EXPECT_TRUE(state.enable_blob_garbage_collection);
  EXPECT_TRUE(state.paranoid_file_checks);
  const auto log =
      opened->db->raw().GetOptions(opened->db->handle(Family::kLog));
  EXPECT_EQ(log.compression, rocksdb::kLZ4Compression);
}

// A copy of an open store's files is what a killed process leaves.
TEST_F(RocksStoreTest, AnAcknowledgedRecordThatLooksTornIsMissed) {
  ASSERT_OK(Open());
  ASSERT_OK(Append("one"));
  ASSERT_OK(Append("two"));
  fs::copy(options_.path, Path("copy"), fs::copy_options::recursive);
  options_.path = Path("copy");
  ASSERT_OK(Open());
  EXPECT_EQ(Text(), "onetwo");
  store_ = nullptr;

  options_.path = Path("store");
  ASSERT_OK(Open());
  ASSERT_OK(Append("three"));
  fs::copy(options_.path, Path("torn"), fs::copy_options::recursive);
  const std::string log = NewestOf(Path("torn"), ".log");
  fs::resize_file(log, fs::file_size(log) - 1);
  options_.path = Path("torn");
  const absl::Status status = Open();
  EXPECT_THAT(status, StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(std::string(status.message()), HasSubstr("acknowledged"));
  // As the sentence says:
  fs::remove(Path("torn") + "/durable");
  ASSERT_OK(Open());
  EXPECT_EQ(Text(), "onetwo");
}

TEST_F(RocksStoreTest, ATornRecordThatNobodyWasToldOfIsDropped) {
  ASSERT_OK(Open());
  ASSERT_OK(Append("one"));
  ASSERT_OK(Append("two", /*sync=*/false));
  fs::copy(options_.path, Path("torn"), fs::copy_options::recursive);
  const std::string log = NewestOf(Path("torn"), ".log");
  fs::resize_file(log, fs::file_size(log) - 1);
  options_.path = Path("torn");
  ASSERT_OK(Open());
  EXPECT_EQ(Text(), "one");
}

TEST_F(RocksStoreTest, ACleanStopLeavesNothingToReplay) {
  ASSERT_OK(Open());
  ASSERT_OK(Append("one"));
  store_ = nullptr;
  EXPECT_EQ(fs::file_size(NewestOf(options_.path, ".log")), 0u);
  ASSERT_OK(Open());
  EXPECT_EQ(Text(), "one");
}

// Bytes that RocksDB holds for whole and that are not what belongs there.
TEST_F(RocksStoreTest, WhatRocksDbBelievesIsCheckedAllTheSame) {
  ASSERT_OK(Open());
  StoreBatch batch;
  batch.put_checkpoints.resize(2);
  batch.put_checkpoints[0].header.uid = 1;
  batch.put_checkpoints[0].state = "one";
  batch.put_checkpoints[1].header.uid = 1;
  batch.put_checkpoints[1].header.token_offset = 2;
  batch.put_checkpoints[1].state = "two";
  ASSERT_OK(store_->Write(batch, /*sync=*/true));
  ASSERT_OK(Append("one"));
  ASSERT_OK(Append("two"));
  store_ = nullptr;
  {
    const auto opened = OpenRocksDb(options_);
    ASSERT_OK(opened);
    RocksDb& db = *opened->db;
    const auto copy = [&](Family family, const std::string& from,
                          const std::string& to) {
      const auto value = db.Get(family, from);
      ASSERT_OK(value);
      ASSERT_TRUE(db.raw().Put({}, db.handle(family), to, **value).ok());
    };
    copy(Family::kState, CheckpointKey(1, "", 0), CheckpointKey(1, "", 2));
    copy(Family::kLog, LogKey(1, 0, 0), LogKey(1, 3, 1));
  }
  ASSERT_OK(Open());
  EXPECT_EQ(store_->ReadCheckpoint(1, "", 0)->state, "one");
  EXPECT_THAT(store_->ReadCheckpoint(1, "", 2),
              StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(store_->ReadLog(1, 0, absl::nullopt, 1000),
              StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(store_->LastRecord(1), StatusIs(StatusCode::kDataLoss));
}

TEST_F(RocksStoreTest, ALookDoesNotDisturbAStoreInUse) {
  ASSERT_OK(Open());
  ASSERT_OK(Append("one"));
  const auto before = FilesOf(options_.path);
  {
    const auto look = OpenRocksDbToRead(options_);
    ASSERT_OK(look);
    RocksRange log = (*look)->Range(Family::kLog, AllOf(1));
    log.First();
    EXPECT_TRUE(log.Valid());
  }
  EXPECT_EQ(FilesOf(options_.path), before);
  EXPECT_OK(Append("two"));
}

// More than one write of a sweep takes.
TEST_F(RocksStoreTest, AStreamOfManyRecordsIsSweptWhole) {
  ASSERT_OK(Open());
  StoreBatch batch;
  batch.put_streams.resize(1);
  batch.put_streams[0].uid = 1;
  batch.put_streams[0].name = "long";
  for (int i = 0; i < 25000; ++i) {
    batch.appends.push_back({1, author_.Text("x")});
  }
  ASSERT_OK(store_->Write(batch, /*sync=*/false));
  ASSERT_OK(store_->DeleteStream(1));
  EXPECT_EQ(*store_->Sweep(clock_.Now()), 1);
  EXPECT_EQ(*store_->LastRecord(1), absl::nullopt);
  EXPECT_TRUE(store_->PlanSweep(clock_.Now())->uids.empty());
}

}  // namespace
}  // namespace oxbow
