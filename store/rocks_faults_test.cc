// Disks that fail or fill up under a RocksStore.
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/rocks_store.h"
#include "store/testing/rocks_store_fixture.h"

namespace oxbow {
namespace {

using absl::StatusCode;
using rocksdb::IOStatus;
using testing::HasSubstr;
using Call = FaultyFileSystem::Call;

TEST_F(RocksStoreTest, AFailedSyncIsNeverBelievedAgain) {
  options_.file_system = disk_;
  ASSERT_OK(Open());
  ASSERT_OK(Append("one"));
  disk_->Fail(".log", Call::kSync, IOStatus::IOError("sync failed"));
  EXPECT_THAT(Append("two"), StatusIs(StatusCode::kDataLoss));
  disk_->Mend();
  EXPECT_THAT(Append("two"), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(Append("two", /*sync=*/false), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(store_->DeleteStream(1), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(Text(), "one");
  ASSERT_OK(Open());
  EXPECT_THAT(Text(), testing::AnyOf("one", "onetwo"));
}

TEST_F(RocksStoreTest, EverySiteOfAFailingLogEndsWriting) {
  for (Call call : {Call::kAppend, Call::kSync}) {
    for (int after = 0; after < 4; ++after) {
      author_ = LogAuthor();
      options_.path =
          Path(std::to_string(after) + (call == Call::kSync ? "s" : "a"));
      options_.file_system = disk_;
      ASSERT_OK(Open());
      disk_->Fail(".log", call, IOStatus::IOError("broken"), after);
      std::string acked;
      while (Append("text").ok()) acked += "text";
      EXPECT_EQ(acked.size(), 4u * after);
      disk_->Mend();
      EXPECT_THAT(Append("more"), StatusIs(StatusCode::kDataLoss));
      ASSERT_OK(Open());
      const std::string text = Text();
      EXPECT_TRUE(text == acked || text == acked + "text") << text;
    }
  }
}

TEST_F(RocksStoreTest, AFullDiskPasses) {
  options_.file_system = disk_;
  ASSERT_OK(Open());
  ASSERT_OK(Append("one"));
  for (int round = 0; round < 3; ++round) {
    disk_->Fail(".log", Call::kAppend, IOStatus::NoSpace("full"));
    EXPECT_THAT(Append("lost"), StatusIs(StatusCode::kResourceExhausted));
    EXPECT_THAT(Append("lost"), StatusIs(StatusCode::kResourceExhausted));
    disk_->Mend();
    disk_->Fail(".sst", Call::kAppend, IOStatus::NoSpace("full"));
    EXPECT_THAT(Append("lost"), StatusIs(StatusCode::kResourceExhausted));
    EXPECT_THAT(Text(), testing::Not(HasSubstr("lost")));
    disk_->Mend();
    ASSERT_OK(Append("more"));
  }
  ASSERT_OK(Open());
  EXPECT_EQ(Text(), "onemoremoremore");
}

TEST_F(RocksStoreTest, AFullDiskWhileFlushingPasses) {
  options_.file_system = disk_;
  ASSERT_OK(Open());
  disk_->Fail(".sst", Call::kAppend, IOStatus::NoSpace("full"));
  std::string acked;
  for (int i = 0; i < 10000; ++i) {
    const std::string text(1000, static_cast<char>('a' + i % 26));
    const absl::Status status = Append(text);
    if (!status.ok()) {
      EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted));
      break;
    }
    acked += text;
  }
  EXPECT_LT(acked.size(), 10000u * 1000) << "the disk was never full";
  EXPECT_EQ(Text(), acked);
  disk_->Mend();
  ASSERT_OK(Append("after"));
  ASSERT_OK(Open());
  EXPECT_EQ(Text(), acked + "after");
}

class RocksStoreLimitTest : public RocksStoreTest {
 protected:
  RocksStoreLimitTest() { options_.bytes_max = 2 << 20; }

  std::string Noise() {
    std::string noise(10000, '\0');
    for (char& c : noise) c = static_cast<char>(random_());
    return noise;
  }
  absl::Status PutStream(StreamUid uid) {
    StoreBatch batch;
    batch.put_streams.emplace_back();
    batch.put_streams[0].uid = uid;
    batch.put_streams[0].name = std::to_string(uid);
    return store_->Write(batch, /*sync=*/true);
  }
  absl::Status PutCheckpoint(uint64_t token) {
    StoreBatch batch;
    batch.put_checkpoints.resize(1);
    batch.put_checkpoints[0].header.uid = 1;
    batch.put_checkpoints[0].header.token_offset = token;
    batch.put_checkpoints[0].state = Noise();
    return store_->Write(batch, /*sync=*/false);
  }
  // Writes until the store is full; false if it never is.
  template <typename Write>
  bool Fill(Write write) {
    for (int i = 0; i < 1000; ++i) {
      const absl::Status status = write(i);
      if (status.ok()) continue;
      EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted));
      return true;
    }
    return false;
  }

  std::mt19937 random_{5};
};

TEST_F(RocksStoreLimitTest, AFullStoreTakesDeletionsAndTheyMakeRoom) {
  ASSERT_OK(Open());
  ASSERT_OK(PutStream(1));
  ASSERT_TRUE(Fill([&](int) { return Append(Noise(), /*sync=*/false); }));
  EXPECT_THAT(PutStream(2), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_OK(store_->SetProperty("small", "fact"));
  EXPECT_OK(store_->DeleteStream(1));
  EXPECT_EQ(*store_->Sweep(clock_.Now()), 1);
  EXPECT_OK(PutStream(2));
}

TEST_F(RocksStoreLimitTest, RemovedStatesMakeRoom) {
  ASSERT_OK(Open());
  ASSERT_OK(PutStream(1));
  ASSERT_TRUE(Fill([&](int i) { return PutCheckpoint(i); }));
  StoreBatch deletion;
  deletion.delete_checkpoints.resize(1);
  deletion.delete_checkpoints[0].uid = 1;
  EXPECT_OK(store_->Write(deletion, /*sync=*/true));
  EXPECT_OK(store_->DeleteStream(1));
  EXPECT_EQ(*store_->Sweep(clock_.Now()), 1);
  EXPECT_OK(PutStream(2));
}

}  // namespace
}  // namespace oxbow
