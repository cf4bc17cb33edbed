// The contract of StreamStore, held to by every store: checkpoints, embeddings,
// requests, and what a sweep takes of them.
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/stream_store_fixture.h"

namespace oxbow {
namespace {

using absl::StatusCode;
using testing::IsEmpty;

TEST_P(StreamStoreTest, CheckpointsComeBack) {
  const StreamUid uid = Create("book");
  Checkpoint checkpoint{At(uid, 300), std::string(10000, 's')};
  checkpoint.header.position = {1200, 1};
  checkpoint.header.id_chain = Sha256("ids");
  checkpoint.header.model_id = Sha256("model");
  checkpoint.header.layout_id = "rwkv7/12/768";
  checkpoint.header.numerics_id = "cpu1";
  checkpoint.header.savepoints = {{"here", {1204, 0}, absl::UnixEpoch()}};
  StoreBatch batch;
  batch.put_checkpoints = {checkpoint,
                           {At(uid, 20), "small"},
                           {At(uid, 300, "embedder"), "other"},
                           {At(uid, 7, "gen"), ""}};
  ASSERT_OK(Write(batch));
  store_.Reopen();
  const auto found = store_->ReadCheckpoint(uid, "generator", 300);
  ASSERT_OK(found);
  EXPECT_EQ(found->state, checkpoint.state);
  EXPECT_EQ(found->header.position, (Position{1200, 1}));
  EXPECT_EQ(found->header.id_chain, Sha256("ids"));
  EXPECT_EQ(found->header.model_id, Sha256("model"));
  EXPECT_EQ(found->header.layout_id, "rwkv7/12/768");
  EXPECT_EQ(found->header.numerics_id, "cpu1");
  ASSERT_EQ(found->header.savepoints.size(), 1u);
  EXPECT_EQ(found->header.savepoints[0].label, "here");
  const auto headers = store_->ListCheckpoints(uid, "generator");
  ASSERT_OK(headers);
  ASSERT_EQ(headers->size(), 2u);
  EXPECT_EQ((*headers)[0].token_offset, 20u);
  EXPECT_EQ((*headers)[1].token_offset, 300u);
  EXPECT_EQ(store_->ReadCheckpoint(uid, "gen", 7)->state, "");
  EXPECT_THAT(store_->ReadCheckpoint(uid, "generator", 301),
              StatusIs(StatusCode::kNotFound));
}

TEST_P(StreamStoreTest, SavepointsAreReplacedAndOutliveANewState) {
  const StreamUid uid = Create("book");
  StoreBatch batch;
  batch.put_checkpoints = {{At(uid, 20), "state"}};
  ASSERT_OK(Write(batch));
  StoreBatch label;
  label.put_checkpoint_headers = {At(uid, 20)};
  label.put_checkpoint_headers[0].savepoints = {{"x", {80, 0}, {}}};
  label.put_checkpoint_headers[0].layout_id = "only savepoints are replaced";
  ASSERT_OK(Write(label));
  ASSERT_OK(Write(batch));  // The same state again, after a replay.
  const auto found = store_->ReadCheckpoint(uid, "generator", 20);
  ASSERT_OK(found);
  EXPECT_EQ(found->state, "state");
  EXPECT_EQ(found->header.layout_id, "");
  ASSERT_EQ(found->header.savepoints.size(), 1u);
  EXPECT_EQ(found->header.savepoints[0].label, "x");
  label.put_checkpoint_headers[0].savepoints.clear();
  ASSERT_OK(Write(label));
  EXPECT_THAT((*store_->ListCheckpoints(uid, "generator"))[0].savepoints,
              IsEmpty());
}

TEST_P(StreamStoreTest, DeletedCheckpointsAreGone) {
  const StreamUid uid = Create("book");
  StoreBatch batch;
  batch.put_checkpoints = {{At(uid, 20), "a"}, {At(uid, 40), "b"}};
  ASSERT_OK(Write(batch));
  StoreBatch deletion;
  deletion.delete_checkpoints = {At(uid, 20), At(uid, 30)};
  ASSERT_OK(Write(deletion));
  EXPECT_THAT(store_->ReadCheckpoint(uid, "generator", 20),
              StatusIs(StatusCode::kNotFound));
  EXPECT_OK(store_->ReadCheckpoint(uid, "generator", 40));
  StoreBatch label;
  label.put_checkpoint_headers = {At(uid, 20)};
  EXPECT_THAT(Write(label), StatusIs(StatusCode::kFailedPrecondition));
}

TEST_P(StreamStoreTest, EmbeddingsComeBackInOrder) {
  const StreamUid uid = Create("book");
  EXPECT_EQ(*store_->LastEmbedding(uid), absl::nullopt);
  StoreBatch batch;
  for (uint64_t token : {256, 0, 10}) {
    batch.put_embeddings.push_back({uid, Span(token)});
  }
  ASSERT_OK(Write(batch));
  store_.Reopen();
  const auto found = store_->ReadEmbeddings(uid, 1, 10);
  ASSERT_OK(found);
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].token_begin, 10u);
  EXPECT_EQ((*found)[0].token_end, 20u);
  EXPECT_EQ((*found)[0].byte_begin, 40u);
  EXPECT_EQ((*found)[0].byte_end, 80u);
  EXPECT_EQ((*found)[1].vector, Span(256).vector);
  EXPECT_EQ(store_->ReadEmbeddings(uid, 0, 1)->size(), 1u);
  EXPECT_EQ((*store_->LastEmbedding(uid))->token_begin, 256u);
  EXPECT_EQ(*store_->LastEmbedding(uid + 1), absl::nullopt);
}

TEST_P(StreamStoreTest, RequestsAndPropertiesComeBack) {
  const StreamUid uid = Create("book");
  StoreBatch batch;
  batch.put_requests = {{uid, "r", "result"}, {uid, "", ""}};
  ASSERT_OK(Write(batch));
  ASSERT_OK(store_->SetProperty("model", std::string("\0m", 2)));
  store_.Reopen();
  EXPECT_EQ(*store_->FindRequest(uid, "r"), "result");
  EXPECT_EQ(*store_->FindRequest(uid, ""), "");
  EXPECT_EQ(*store_->FindRequest(uid, "r2"), absl::nullopt);
  EXPECT_EQ(*store_->FindRequest(uid + 1, "r"), absl::nullopt);
  EXPECT_EQ(*store_->GetProperty("model"), std::string("\0m", 2));
  EXPECT_EQ(*store_->GetProperty("mode"), absl::nullopt);
}

TEST_P(StreamStoreTest, ASweepForgetsRequestsAfterADay) {
  const StreamUid uid = Create("book");
  const StreamUid other = Create("other");
  const absl::Time now = store_.clock().Now();
  StoreBatch batch;
  batch.put_requests = {{uid, "old", "x", now - absl::Hours(24)},
                        {uid, "young", "y", now - absl::Hours(23)},
                        {uid, "timeless", "z"},
                        {other, "old", "x", now - absl::Hours(25)}};
  for (int i = 0; i < 1005; ++i) {
    batch.put_requests.push_back(
        {other, std::to_string(i), "", now - absl::Seconds(i)});
  }
  ASSERT_OK(Write(batch));
  EXPECT_EQ(*store_->Sweep(now), 0);
  store_.Reopen();
  EXPECT_EQ(*store_->FindRequest(uid, "old"), absl::nullopt);
  EXPECT_EQ(*store_->FindRequest(uid, "young"), "y");
  EXPECT_EQ(*store_->FindRequest(uid, "timeless"), "z");
  EXPECT_EQ(*store_->FindRequest(other, "old"), absl::nullopt);
  EXPECT_EQ(*store_->FindRequest(other, "999"), "");
  EXPECT_EQ(*store_->FindRequest(other, "1000"), absl::nullopt);
}

TEST_P(StreamStoreTest, BeginningsAreFoundByWhatTheyAre) {
  const Digest mark = Sha256("tokens");
  const StreamUid first = Create("first");
  const StreamUid second = Create("second");
  StoreBatch batch;
  for (StreamUid uid : {first, second}) {
    batch.put_beginnings.push_back({uid, "tenant", "generator", mark, 7});
  }
  batch.put_beginnings.push_back({second, "other", "generator", mark, 8});
  batch.put_beginnings.push_back({second, "tenant", "embedder", mark, 9});
  ASSERT_OK(Write(batch));
  store_.Reopen();
  const auto found = store_->FindBeginnings("tenant", "generator", mark, 5);
  ASSERT_OK(found);
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].uid, second);
  EXPECT_EQ((*found)[1].uid, first);
  EXPECT_EQ((*found)[1].token_offset, 7u);
  EXPECT_EQ(store_->FindBeginnings("tenant", "generator", mark, 1)->size(), 1u);
  EXPECT_EQ(store_->FindBeginnings("other", "generator", mark, 5)->size(), 1u);
  EXPECT_THAT(
      *store_->FindBeginnings("tenant", "generator", Sha256("others"), 5),
      IsEmpty());
}

TEST_P(StreamStoreTest, BeginningsGoWithTheirUid) {
  const Digest mark = Sha256("tokens");
  const StreamUid first = Create("first");
  const StreamUid second = Create("second");
  StoreBatch batch;
  for (StreamUid uid : {first, second}) {
    batch.put_beginnings.push_back({uid, "tenant", "generator", mark, 7});
  }
  ASSERT_OK(Write(batch));
  ASSERT_OK(store_->DeleteStream(second));
  EXPECT_EQ(*store_->Sweep(store_.clock().Now()), 1);
  store_.Reopen();
  const auto found = store_->FindBeginnings("tenant", "generator", mark, 5);
  ASSERT_OK(found);
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].uid, first);
}

TEST_P(StreamStoreTest, ASweepTakesOnlyWhatNobodyReaches) {
  const StreamUid parent = Create("parent");
  LogAuthor author;
  StoreBatch data = Append(parent, {author.Text("shared")});
  data.put_checkpoints = {{At(parent, 1), "state"}};
  data.put_embeddings = {{parent, Span(0)}};
  data.put_requests = {{parent, "r", "result"}};
  ASSERT_OK(Write(data));
  StreamRecord fork = Stream(*store_->NewUid(), "fork");
  fork.ancestry = {{parent, {6, 0}, false}};
  ASSERT_OK(Write(Put(fork)));
  ASSERT_OK(store_->DeleteStream(parent));
  EXPECT_EQ(*store_->Sweep(store_.clock().Now()), 0);
  EXPECT_EQ(TextOf(parent), "shared");
  EXPECT_OK(store_->ReadCheckpoint(parent, "generator", 1));

  ASSERT_OK(store_->DeleteStream(fork.uid));
  EXPECT_EQ(TextOf(parent), "shared");
  EXPECT_EQ(*store_->Sweep(store_.clock().Now()), 2);
  store_.Reopen();
  EXPECT_EQ(TextOf(parent), "");
  EXPECT_THAT(*store_->ListCheckpoints(parent, "generator"), IsEmpty());
  EXPECT_THAT(store_->ReadCheckpoint(parent, "generator", 1),
              StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(*store_->LastEmbedding(parent), absl::nullopt);
  EXPECT_EQ(*store_->FindRequest(parent, "r"), absl::nullopt);
  EXPECT_EQ(*store_->Sweep(store_.clock().Now()), 0);
}

TEST_P(StreamStoreTest, ALateWriterOfASweptStreamIsRefused) {
  const StreamUid uid = Create("book");
  LogAuthor author;
  ASSERT_OK(Write(Append(uid, {author.Text("one")})));
  ASSERT_OK(store_->DeleteStream(uid));
  ASSERT_OK(Write(Append(uid, {author.Text("two")})));  // Nobody will see it.
  EXPECT_EQ(*store_->Sweep(store_.clock().Now()), 1);
  EXPECT_THAT(Write(Append(uid, {author.Text("three")})),
              StatusIs(StatusCode::kFailedPrecondition));
}

TEST_P(StreamStoreTest, DataWithoutAStreamIsSwept) {
  const StreamUid uid = *store_->NewUid();
  LogAuthor author;
  ASSERT_OK(Write(Append(uid, {author.Text("orphan")})));
  const StreamUid later = *store_->NewUid();
  LogAuthor other;
  ASSERT_OK(Write(Append(later, {other.Text("log first")})));
  ASSERT_OK(Write(Put(Stream(later, "then the stream"))));
  EXPECT_EQ(*store_->Sweep(store_.clock().Now()), 1);
  EXPECT_EQ(TextOf(uid), "");
  EXPECT_EQ(TextOf(later), "log first");
}

INSTANTIATE_TEST_SUITE_P(Stores, StreamStoreTest,
                         testing::Values(StoreKind::kMemory, StoreKind::kRocks),
                         [](const auto& info) { return NameOf(info.param); });

}  // namespace
}  // namespace oxbow
