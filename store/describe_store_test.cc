#include "store/describe_store.h"

#include <memory>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/open_rocks_db.h"
#include "store/rocks_store.h"
#include "store/testing/log_author.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"

namespace oxbow {
namespace {

using testing::HasSubstr;
using testing::Not;

class DescribeStoreTest : public testing::Test {
 protected:
  DescribeStoreTest() {
    options_.path = folder_.path();
    auto opened = OpenRocksStore(SmallRocksOptions(folder_.path(), nullptr));
    EXPECT_OK(opened);
    store_ = *std::move(opened);
    StoreBatch batch;
    StreamRecord stream;
    stream.uid = 1;
    stream.name = "book";
    stream.tenant = "default";
    stream.labels = {{"genre", "poem"}};
    batch.put_streams.push_back(stream);
    LogAuthor author;
    batch.appends.push_back({1, author.Text("a line\n\x01 and more")});
    batch.appends.push_back({1, author.Tokens({1, 2, 3}, 7, 1)});
    Checkpoint checkpoint;
    checkpoint.header.uid = 1;
    checkpoint.header.reader = "generator";
    checkpoint.header.token_offset = 12;
    checkpoint.header.savepoints = {{"here", {1, 0}, absl::UnixEpoch()}};
    checkpoint.state = "state";
    batch.put_checkpoints.push_back(checkpoint);
    EXPECT_OK(store_->Write(batch, /*sync=*/true));
  }

  std::string Describe(const std::string& stream, absl::StatusCode code) {
    options_.stream = stream;
    std::ostringstream out;
    EXPECT_THAT(DescribeStore(options_, out), StatusIs(code));
    return out.str();
  }

  TestFolder folder_;
  DescribeOptions options_;
  std::unique_ptr<StreamStore> store_;
};

TEST_F(DescribeStoreTest, AnOverviewNamesStreamsAndWhatIsUnowned) {
  StoreBatch orphan;
  LogAuthor author;
  orphan.appends.push_back({77, author.Text("orphan")});
  ASSERT_OK(store_->Write(orphan, true));
  const std::string text = Describe("", absl::StatusCode::kOk);
  EXPECT_THAT(text, HasSubstr("\"book\" uid 1"));
  EXPECT_THAT(text, HasSubstr("end 24+1 records 2"));
  EXPECT_THAT(text, HasSubstr("unowned uid 77, never a stream"));
}

TEST_F(DescribeStoreTest, AStreamIsShownWhole) {
  const std::string text = Describe("book", absl::StatusCode::kOk);
  EXPECT_THAT(text, HasSubstr("\"genre\" = \"poem\""));
  EXPECT_THAT(text, HasSubstr("text 17 \"a line\\n\\x01 and more\""));
  EXPECT_THAT(text, HasSubstr("ids 3 of 7 bytes"));
  EXPECT_THAT(text, HasSubstr("token 12"));
  EXPECT_THAT(text, HasSubstr("savepoint \"here\""));
  EXPECT_THAT(text, Not(HasSubstr("DAMAGED")));
}

TEST_F(DescribeStoreTest, DamageIsSaidAndPassedOver) {
  store_ = nullptr;
  {
    const auto opened = OpenRocksDb(SmallRocksOptions(folder_.path(), nullptr));
    ASSERT_OK(opened);
    RocksDb& db = *opened->db;
    const auto put = [&](Family family, const std::string& key) {
      ASSERT_TRUE(db.raw().Put({}, db.handle(family), key, "not it").ok());
    };
    put(Family::kLog, LogKey(1, 0, 0));
    put(Family::kState, CheckpointKey(1, "generator", 12));
  }
  const std::string text = Describe("book", absl::StatusCode::kDataLoss);
  EXPECT_THAT(text, HasSubstr("DAMAGED: A stored oxbow.store.LogRecord"));
  EXPECT_THAT(text, HasSubstr("ids 3 of 7 bytes"));
  EXPECT_THAT(text, HasSubstr("savepoint \"here\" DAMAGED"));
}

TEST_F(DescribeStoreTest, WhatIsNotThereIsNotFound) {
  Describe("novel", absl::StatusCode::kNotFound);
  options_.path += "/none";
  Describe("", absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace oxbow
