#include "engine/put_checkpoint.h"

#include <string>
#include <vector>

#include "engine/error_reason.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "store/testing/faulty_store.h"
#include "store/testing/status_is.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PutCheckpointTest : public testing::Test {
 protected:
  PutCheckpointTest() { uid_ = *memory_.NewUid(); }

  static Savepoint Label(const std::string& label, uint64_t byte) {
    return {label, {byte, 0}, absl::UnixEpoch()};
  }

  // Tokens are a byte each.
  absl::Status Put(uint64_t token, std::vector<Savepoint> savepoints = {},
                   int checkpoints_max = 128,
                   absl::optional<uint64_t> replaced = absl::nullopt) {
    Checkpoint checkpoint;
    checkpoint.header.uid = uid_;
    checkpoint.header.reader = "generator";
    checkpoint.header.token_offset = token;
    checkpoint.header.position = {token, 0};
    checkpoint.header.savepoints = std::move(savepoints);
    checkpoint.state = "state";
    return PutCheckpointAndTrim(store_, std::move(checkpoint), checkpoints_max,
                                replaced);
  }

  std::vector<CheckpointHeader> Stored() {
    return *memory_.ListCheckpoints(uid_, "generator");
  }

  std::vector<uint64_t> Tokens() {
    std::vector<uint64_t> tokens;
    for (const CheckpointHeader& header : Stored()) {
      tokens.push_back(header.token_offset);
    }
    return tokens;
  }

  std::vector<std::string> Labels(uint64_t token) {
    std::vector<std::string> labels;
    for (const CheckpointHeader& header : Stored()) {
      if (header.token_offset != token) continue;
      for (const Savepoint& savepoint : header.savepoints) {
        labels.push_back(savepoint.label);
      }
    }
    return labels;
  }

  MemoryStore memory_;
  FaultyStore store_{&memory_};
  StreamUid uid_ = 0;
};

TEST_F(PutCheckpointTest, AnOrdinaryOneIsNotSynced) {
  ASSERT_OK(Put(10));
  EXPECT_THAT(Tokens(), ElementsAre(10));
  EXPECT_EQ(store_.writes(), 1);
  EXPECT_EQ(store_.synced_writes(), 0);
}

TEST_F(PutCheckpointTest, ASavepointIsSynced) {
  ASSERT_OK(Put(10, {Label("here", 12)}));
  EXPECT_EQ(store_.synced_writes(), 1);
}

TEST_F(PutCheckpointTest, SavepointsAreAddedToThoseThatAreThere) {
  ASSERT_OK(Put(10, {Label("one", 10)}));
  ASSERT_OK(Put(10, {Label("two", 12)}));
  ASSERT_OK(Put(10));
  EXPECT_THAT(Labels(10), ElementsAre("one", "two"));
}

TEST_F(PutCheckpointTest, TheSameSavepointAgainIsNone) {
  ASSERT_OK(Put(10, {Label("one", 12)}));
  ASSERT_OK(Put(10, {Label("one", 12)}));
  EXPECT_THAT(Labels(10), ElementsAre("one"));
  // Replayed to a nearer token meanwhile: the label stays where it is.
  ASSERT_OK(Put(11, {Label("one", 12)}));
  EXPECT_THAT(Labels(10), ElementsAre("one"));
  EXPECT_THAT(Labels(11), IsEmpty());
}

TEST_F(PutCheckpointTest, ARepeatedSavepointDoesNotHideANewOne) {
  ASSERT_OK(Put(10, {Label("one", 12)}));
  ASSERT_OK(Put(10, {Label("one", 12), Label("two", 12)}));
  EXPECT_THAT(Labels(10), ElementsAre("one", "two"));
}

TEST_F(PutCheckpointTest, ALabelElsewhereIsRefusedAndNothingChanges) {
  ASSERT_OK(Put(10, {Label("one", 10)}));
  const absl::Status status = Put(20, {Label("one", 20)});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(ReasonOf(status), "LABEL_EXISTS");
  EXPECT_THAT(Tokens(), ElementsAre(10));
}

TEST_F(PutCheckpointTest, WhatRetentionLetsGoIsDropped) {
  ASSERT_OK(Put(1, {Label("kept", 1)}));
  for (uint64_t token = 2; token <= 50; ++token) {
    ASSERT_OK(Put(token, {}, /*checkpoints_max=*/4));
  }
  const std::vector<uint64_t> tokens = Tokens();
  EXPECT_LE(tokens.size(), 1u + 4);
  EXPECT_EQ(tokens.front(), 1u);
  EXPECT_EQ(tokens[tokens.size() - 2], 49u);
  EXPECT_EQ(tokens.back(), 50u);
}

TEST_F(PutCheckpointTest, AFailedWriteIsTold) {
  store_.Fail({absl::ResourceExhaustedError("full")});
  EXPECT_THAT(Put(10), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(PutCheckpointTest, ARemovedSavepointLeavesItsCheckpoint) {
  ASSERT_OK(Put(10, {Label("one", 10), Label("two", 10)}));
  ASSERT_OK(RemoveSavepoint(store_, uid_, "one"));
  EXPECT_THAT(Labels(10), ElementsAre("two"));
  EXPECT_EQ(store_.synced_writes(), 2);
  const absl::Status again = RemoveSavepoint(store_, uid_, "one");
  EXPECT_THAT(again, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(ReasonOf(again), "NO_SAVEPOINT");
  EXPECT_EQ(memory_.ReadCheckpoint(uid_, "generator", 10)->state, "state");
}

TEST_F(PutCheckpointTest, ARemovedLabelMayBePutElsewhere) {
  ASSERT_OK(Put(10, {Label("one", 10)}));
  ASSERT_OK(RemoveSavepoint(store_, uid_, "one"));
  ASSERT_OK(Put(20, {Label("one", 20)}));
  EXPECT_THAT(Labels(20), ElementsAre("one"));
}

TEST_F(PutCheckpointTest, OneMayBeReplaced) {
  ASSERT_TRUE(Put(10).ok());
  ASSERT_TRUE(Put(20).ok());
  ASSERT_TRUE(Put(30, {}, 128, 20).ok());
  EXPECT_THAT(Tokens(), ElementsAre(10, 30));
  ASSERT_TRUE(Put(40, {}, 128, 20).ok()) << "it is gone already";
  ASSERT_TRUE(Put(40, {}, 128, 40).ok()) << "not by itself";
  EXPECT_THAT(Tokens(), ElementsAre(10, 30, 40));
}

TEST_F(PutCheckpointTest, OneWithASavepointIsNotReplaced) {
  ASSERT_TRUE(Put(10, {Label("here", 10)}).ok());
  ASSERT_TRUE(Put(20, {}, 128, 10).ok());
  EXPECT_THAT(Tokens(), ElementsAre(10, 20));
}

// The old one stays until the new one is there.
TEST_F(PutCheckpointTest, OneIsReplacedOnlyByAnother) {
  ASSERT_TRUE(Put(10).ok());
  store_.Fail({absl::DataLossError("disk")});
  EXPECT_FALSE(Put(20, {}, 128, 10).ok());
  EXPECT_THAT(Tokens(), ElementsAre(10));
}

}  // namespace
}  // namespace oxbow
