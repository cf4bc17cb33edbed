#include "store/log_writer.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "store/testing/faulty_store.h"
#include "store/testing/log_author.h"
#include "store/testing/status_is.h"

namespace oxbow {
namespace {

using absl::StatusCode;
using testing::Each;
using testing::ElementsAre;

StreamRecord Stream(StreamUid uid, const std::string& name) {
  StreamRecord stream;
  stream.uid = uid;
  stream.name = name;
  return stream;
}

class LogWriterTest : public testing::Test {
 protected:
  LogWriterTest() : store_(&memory_) { Start(LogWriter::Options()); }

  void Start(const LogWriter::Options& options) {
    writer_ = std::make_unique<LogWriter>(&store_, options);
  }
  void Write(StoreBatch batch) {
    const int number = next_++;
    writer_->Write(std::move(batch), [this, number](absl::Status status) {
      order_.push_back(number);
      codes_.push_back(status.code());
    });
  }
  void Append(LogAuthor& author, StreamUid uid, const std::string& text) {
    StoreBatch batch;
    batch.appends.push_back({uid, author.Text(text)});
    Write(std::move(batch));
  }
  // Holds the log thread in a first write, so that what follows queues up.
  void HoldAtFirstWrite() {
    store_.Hold();
    Write(StoreBatch());
    store_.AwaitHeld();
  }
  // Waits for all that was written.
  void Drain() {
    store_.Release();
    writer_ = nullptr;
  }

  MemoryStore memory_;
  FaultyStore store_;
  int next_ = 0;
  // The log thread's until Drain().
  std::vector<int> order_;
  std::vector<StatusCode> codes_;
  std::unique_ptr<LogWriter> writer_;
};

TEST_F(LogWriterTest, ManySmallWritesBecomeFewSyncedOnesAckedInOrder) {
  HoldAtFirstWrite();
  LogAuthor author;
  for (int i = 0; i < 500; ++i) Append(author, 1, "text");
  Drain();
  EXPECT_EQ(store_.writes(), 2);
  EXPECT_EQ(store_.synced_writes(), 2);
  ASSERT_EQ(order_.size(), 501u);
  for (int i = 0; i < 501; ++i) EXPECT_EQ(order_[i], i);
  EXPECT_THAT(codes_, Each(StatusCode::kOk));
  EXPECT_EQ((*memory_.LastRecord(1))->sequence, 499u);
}

TEST_F(LogWriterTest, AGroupHasALimit) {
  Start({/*group_bytes_max=*/10000});
  HoldAtFirstWrite();
  LogAuthor author;
  for (int i = 0; i < 10; ++i) Append(author, 1, std::string(4000, 'x'));
  Append(author, 1, std::string(50000, 'y'));  // Alone, however large.
  Drain();
  EXPECT_EQ(store_.writes(), 1 + 5 + 1);
  EXPECT_THAT(codes_, Each(StatusCode::kOk));
}

TEST_F(LogWriterTest, ARefusedBatchHarmsNoNeighbour) {
  HoldAtFirstWrite();
  LogAuthor author;
  StoreBatch taken;
  taken.put_streams.push_back(Stream(1, "book"));
  Write(taken);
  Append(author, 1, "one");
  taken.put_streams[0].uid = 2;
  Write(taken);
  Append(author, 1, "two");
  LogAuthor stranger;
  stranger.Text("never written");
  Append(stranger, 1, "a gap");
  Append(author, 1, "three");
  Drain();
  EXPECT_THAT(order_, ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(codes_,
              ElementsAre(StatusCode::kOk, StatusCode::kOk, StatusCode::kOk,
                          StatusCode::kAlreadyExists, StatusCode::kOk,
                          StatusCode::kFailedPrecondition, StatusCode::kOk));
  EXPECT_EQ((*memory_.LastRecord(1))->text, "three");
  EXPECT_EQ(memory_.FindStream("", "book")->uid, 1u);
}

TEST_F(LogWriterTest, AFailureStays) {
  HoldAtFirstWrite();
  store_.Fail({absl::OkStatus(), absl::DataLossError("sync failed")});
  LogAuthor author;
  Append(author, 1, "one");
  Append(author, 1, "two");
  store_.Release();
  absl::BlockingCounter first(1);
  writer_->Write(StoreBatch(), [&](absl::Status status) {
    EXPECT_THAT(status, StatusIs(StatusCode::kDataLoss));
    EXPECT_EQ(status.message(), "sync failed");
    first.DecrementCount();
  });
  first.Wait();
  Append(author, 1, "three");
  Drain();
  EXPECT_THAT(codes_,
              ElementsAre(StatusCode::kOk, StatusCode::kDataLoss,
                          StatusCode::kDataLoss, StatusCode::kDataLoss));
  EXPECT_EQ(store_.writes(), 1);  // Nothing was tried after the failure.
}

TEST_F(LogWriterTest, AFullDiskPasses) {
  HoldAtFirstWrite();
  store_.Fail({absl::OkStatus(), absl::ResourceExhaustedError("full")});
  LogAuthor full;
  Append(full, 1, "one");
  Append(full, 1, "two");
  store_.Release();
  absl::BlockingCounter refused(1);
  writer_->Write(StoreBatch(), [&](absl::Status) { refused.DecrementCount(); });
  refused.Wait();
  LogAuthor author;
  Append(author, 1, "one again");
  Drain();
  EXPECT_THAT(codes_,
              ElementsAre(StatusCode::kOk, StatusCode::kResourceExhausted,
                          StatusCode::kResourceExhausted, StatusCode::kOk));
  EXPECT_EQ((*memory_.LastRecord(1))->text, "one again");
}

TEST_F(LogWriterTest, APutAfterADeletionStays) {
  Checkpoint checkpoint;
  checkpoint.header.uid = 1;
  checkpoint.header.reader = "generator";
  checkpoint.header.token_offset = 9;
  checkpoint.state = "state";
  StoreBatch put, deletion;
  put.put_checkpoints.push_back(checkpoint);
  deletion.delete_checkpoints.push_back(checkpoint.header);
  HoldAtFirstWrite();
  Write(put);
  Write(deletion);
  Write(put);
  Drain();
  EXPECT_THAT(codes_, Each(StatusCode::kOk));
  EXPECT_OK(memory_.ReadCheckpoint(1, "generator", 9));
}

}  // namespace
}  // namespace oxbow
