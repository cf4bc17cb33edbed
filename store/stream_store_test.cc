// The contract of StreamStore, held to by every store: uids, streams, logs.
#include "store/stream_store.h"

#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/stream_store_fixture.h"

namespace oxbow {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_P(StreamStoreTest, UidsAreNeverGivenTwice) {
  std::set<StreamUid> given;
  for (int i = 0; i < 1500; ++i) {
    const StreamUid uid = *store_->NewUid();
    EXPECT_NE(uid, 0u);
    EXPECT_TRUE(given.insert(uid).second);
    if (i % 500 == 0) store_.Reopen();
  }
}

TEST_P(StreamStoreTest, EveryFieldOfAStreamComesBack) {
  StreamRecord stream = Stream(*store_->NewUid(), std::string("a\0\xff b", 5));
  stream.tenant = std::string("\0t\xff", 3);
  stream.created = absl::FromUnixNanos(1234567890123456789);
  stream.expires = store_.clock().Now() + absl::Hours(1);
  stream.labels = {{"genre", "poem"}, {"\xfe", ""}};
  stream.plan = {EmbeddingPlan::Kind::kEveryTokens, 512};
  stream.epoch = 7;
  stream.forked_from = "parent";
  stream.request_digest = Sha256("request");
  stream.model_ids = {{"generator", Sha256("g")}, {"embedder", Sha256("e")}};
  ASSERT_OK(Write(Put(stream)));
  store_.Reopen();
  const auto found = store_->FindStream(stream.tenant, stream.name);
  ASSERT_OK(found);
  EXPECT_EQ(found->uid, stream.uid);
  EXPECT_EQ(found->tenant, stream.tenant);
  EXPECT_EQ(found->name, stream.name);
  EXPECT_EQ(found->created, stream.created);
  EXPECT_EQ(found->expires, stream.expires);
  EXPECT_EQ(found->labels, stream.labels);
  EXPECT_TRUE(found->plan == stream.plan);
  EXPECT_EQ(found->epoch, 7u);
  EXPECT_EQ(found->forked_from, "parent");
  EXPECT_EQ(found->request_digest, stream.request_digest);
  EXPECT_EQ(found->model_ids, stream.model_ids);
}

TEST_P(StreamStoreTest, AncestryComesBack) {
  const StreamUid parent = Create("parent");
  StreamRecord fork = Stream(*store_->NewUid(), "fork");
  fork.ancestry = {{parent, {100, 2}, true}, {parent, {120, 0}, false}};
  ASSERT_OK(Write(Put(fork)));
  store_.Reopen();
  const auto found = store_->FindStream("tenant", "fork");
  ASSERT_OK(found);
  ASSERT_EQ(found->ancestry.size(), 2u);
  EXPECT_EQ(found->ancestry[0].uid, parent);
  EXPECT_EQ(found->ancestry[0].end, (Position{100, 2}));
  EXPECT_TRUE(found->ancestry[0].seam_at_end);
  EXPECT_FALSE(found->ancestry[1].seam_at_end);
  EXPECT_EQ(found->expires, absl::InfiniteFuture());
}

TEST_P(StreamStoreTest, AForkOfWhatTheStoreDoesNotHoldIsRefused) {
  StreamRecord fork = Stream(*store_->NewUid(), "fork");
  fork.ancestry = {{12345, {100, 0}, false}};
  EXPECT_THAT(Write(Put(fork)), StatusIs(StatusCode::kFailedPrecondition));
  fork.ancestry = {{12345, {0, 0}, false}};  // Shares nothing.
  EXPECT_OK(Write(Put(fork)));
}

TEST_P(StreamStoreTest, ATakenNameIsRefusedWithAllElse) {
  const StreamUid first = Create("book");
  const StreamUid second = *store_->NewUid();
  StoreBatch batch = Put(Stream(second, "book"));
  LogAuthor author;
  batch.appends.push_back({second, author.Text("text")});
  EXPECT_THAT(Write(batch), StatusIs(StatusCode::kAlreadyExists));
  EXPECT_EQ(store_->FindStream("tenant", "book")->uid, first);
  EXPECT_EQ(*store_->LastRecord(second), absl::nullopt);
}

TEST_P(StreamStoreTest, OneBatchCannotTakeANameTwice) {
  StoreBatch batch = Put(Stream(*store_->NewUid(), "book"));
  batch.put_streams.push_back(Stream(*store_->NewUid(), "book"));
  EXPECT_THAT(Write(batch), StatusIs(StatusCode::kAlreadyExists));
  EXPECT_THAT(store_->FindStream("tenant", "book"),
              StatusIs(StatusCode::kNotFound));
}

TEST_P(StreamStoreTest, APutStreamReplacesItsRecord) {
  StreamRecord stream = Stream(*store_->NewUid(), "book");
  ASSERT_OK(Write(Put(stream)));
  stream.epoch = 5;
  stream.name = "novel";
  ASSERT_OK(Write(Put(stream)));
  EXPECT_EQ(store_->FindStream("tenant", "novel")->epoch, 5u);
  EXPECT_THAT(store_->FindStream("tenant", "book"),
              StatusIs(StatusCode::kNotFound));
  EXPECT_OK(Write(Put(Stream(*store_->NewUid(), "book"))));
}

TEST_P(StreamStoreTest, NamesOfTenantsAreApart) {
  StreamRecord stream = Stream(*store_->NewUid(), "book");
  ASSERT_OK(Write(Put(stream)));
  stream.uid = *store_->NewUid();
  stream.tenant = "other";
  ASSERT_OK(Write(Put(stream)));
  EXPECT_NE(store_->FindStream("tenant", "book")->uid,
            store_->FindStream("other", "book")->uid);
  EXPECT_THAT(store_->FindStream("tenan", "tbook"),
              StatusIs(StatusCode::kNotFound));
}

TEST_P(StreamStoreTest, ListsByNameInPages) {
  for (const char* name : {"b", "a", "ab", "\xff", "c"}) Create(name);
  StreamRecord other = Stream(*store_->NewUid(), "a2");
  other.tenant = "tenant2";
  ASSERT_OK(Write(Put(other)));
  EXPECT_THAT(NamesOf(*store_->ListStreams("tenant", "", 10)),
              ElementsAre("a", "ab", "b", "c", "\xff"));
  EXPECT_THAT(NamesOf(*store_->ListStreams("tenant", "a", 2)),
              ElementsAre("ab", "b"));
  EXPECT_THAT(NamesOf(*store_->ListStreams("tenant", "aa", 1)),
              ElementsAre("ab"));
  EXPECT_THAT(NamesOf(*store_->ListStreams("tenant", "\xff", 9)), IsEmpty());
  EXPECT_THAT(NamesOf(*store_->ListStreams("nobody", "", 9)), IsEmpty());
}

TEST_P(StreamStoreTest, ADeletedNameIsFreeAtOnce) {
  const StreamUid first = Create("book");
  ASSERT_OK(store_->DeleteStream(first));
  store_.Reopen();
  EXPECT_THAT(store_->FindStream("tenant", "book"),
              StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(store_->DeleteStream(first), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(NamesOf(*store_->ListStreams("tenant", "", 9)), IsEmpty());
  EXPECT_NE(Create("book"), first);
}

TEST_P(StreamStoreTest, ADeletedStreamDoesNotComeBack) {
  StreamRecord stream = Stream(*store_->NewUid(), "book");
  ASSERT_OK(Write(Put(stream)));
  ASSERT_OK(store_->DeleteStream(stream.uid));
  ++stream.epoch;  // A writer that takes over has not heard of it.
  EXPECT_THAT(Write(Put(stream)), StatusIs(StatusCode::kFailedPrecondition));
}

TEST_P(StreamStoreTest, AnExpiredStreamIsAsIfDeleted) {
  StreamRecord stream = Stream(*store_->NewUid(), "book");
  stream.expires = store_.clock().Now() + absl::Seconds(10);
  ASSERT_OK(Write(Put(stream)));
  store_.clock().Advance(9);
  EXPECT_OK(store_->FindStream("tenant", "book"));
  EXPECT_THAT(*store_->Sweep(store_.clock().Now()), 0);
  store_.clock().Advance(1);
  EXPECT_THAT(store_->FindStream("tenant", "book"),
              StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(NamesOf(*store_->ListStreams("tenant", "", 9)), IsEmpty());
  const StreamUid second = Create("book");  // The name is free.
  EXPECT_EQ(*store_->Sweep(store_.clock().Now()), 1);
  EXPECT_EQ(store_->FindStream("tenant", "book")->uid, second);
}

TEST_P(StreamStoreTest, ALogComesBack) {
  const StreamUid uid = Create("book");
  LogAuthor author;
  LogRecord text = author.Text(std::string("a\0\xff", 3));
  LogRecord tokens = author.Tokens({5, 0, -1, 65535}, 9, 2);
  ASSERT_OK(Write(Append(uid, {text, tokens})));
  store_.Reopen();
  const auto page = store_->ReadLog(uid, 0, absl::nullopt, 1000);
  ASSERT_OK(page);
  ASSERT_EQ(page->size(), 2u);
  EXPECT_EQ((*page)[0].text, text.text);
  EXPECT_EQ((*page)[0].kind, LogRecord::Kind::kText);
  EXPECT_EQ((*page)[1].kind, LogRecord::Kind::kTokens);
  EXPECT_EQ((*page)[1].ids, tokens.ids);
  EXPECT_EQ((*page)[1].provenance, tokens.provenance);
  EXPECT_EQ((*page)[1].End(), (Position{12, 2}));
  EXPECT_EQ((*page)[1].chain, tokens.chain);
  EXPECT_EQ((*store_->LastRecord(uid))->sequence, 1u);
}

TEST_P(StreamStoreTest, AnAppendThatDoesNotContinueIsRefused) {
  const StreamUid uid = Create("book");
  LogAuthor author;
  const LogRecord first = author.Text("one ");
  const LogRecord second = author.Text("two ");
  const LogRecord third = author.Text("three");
  EXPECT_THAT(Write(Append(uid, {second})),
              StatusIs(StatusCode::kFailedPrecondition));
  ASSERT_OK(Write(Append(uid, {first, second})));
  store_.Reopen();
  EXPECT_THAT(Write(Append(uid, {first})),
              StatusIs(StatusCode::kFailedPrecondition));
  LogRecord moved = third;
  moved.begin.byte_offset += 1;
  EXPECT_THAT(Write(Append(uid, {moved})),
              StatusIs(StatusCode::kFailedPrecondition));
  LogRecord changed = third;
  changed.text = "drei!";
  EXPECT_THAT(Write(Append(uid, {changed})),
              StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(TextOf(uid), "one two ");
  ASSERT_OK(Write(Append(uid, {third})));
  EXPECT_EQ(TextOf(uid), "one two three");
}

TEST_P(StreamStoreTest, AForksOwnLogBeginsWhereItsAncestryEnds) {
  const StreamUid parent = Create("parent");
  StreamRecord fork = Stream(*store_->NewUid(), "fork");
  fork.ancestry = {{parent, {100, 1}, true}};
  ASSERT_OK(Write(Put(fork)));
  LogAuthor wrong({100, 0});
  EXPECT_THAT(Write(Append(fork.uid, {wrong.Text("x")})),
              StatusIs(StatusCode::kFailedPrecondition));
  LogAuthor author({100, 1});
  ASSERT_OK(Write(Append(fork.uid, {author.Text("x")})));
  EXPECT_EQ((*store_->LastRecord(fork.uid))->End(), (Position{101, 0}));
}

TEST_P(StreamStoreTest, ALogIsReadFromAnyOffsetInPages) {
  const StreamUid uid = Create("book");
  LogAuthor author;
  // Bytes 0-4, 4-8, two records of no bytes at 8, 8-12.
  ASSERT_OK(Write(Append(
      uid, {author.Text("aaaa"), author.Text("bbbb"), author.Tokens({0}, 0, 1),
            author.Tokens({0}, 0, 1), author.Text("cccc")})));
  EXPECT_THAT(Read(uid, 0, absl::nullopt, 1000), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(Read(uid, 4, absl::nullopt, 1000), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(Read(uid, 5, absl::nullopt, 1000), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Read(uid, 8, absl::nullopt, 1000), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Read(uid, 9, absl::nullopt, 1000), ElementsAre(4));
  EXPECT_THAT(Read(uid, 999, absl::nullopt, 1000), ElementsAre(4));
  EXPECT_THAT(Read(uid, 0, absl::nullopt, 1), ElementsAre(0));
  EXPECT_THAT(Read(uid, 0, absl::nullopt, 5), ElementsAre(0, 1));
  // Behind a record, wherever the caller believes that is.
  for (uint64_t believed : {0, 4, 8, 12, 999}) {
    EXPECT_THAT(Read(uid, believed, 0, 1000), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(Read(uid, believed, 2, 1), ElementsAre(3));
    EXPECT_THAT(Read(uid, believed, 3, 1000), ElementsAre(4));
    EXPECT_THAT(Read(uid, believed, 4, 1000), IsEmpty());
    EXPECT_THAT(Read(uid, believed, 77, 1000), IsEmpty());
  }
  EXPECT_THAT(Read(uid + 1, 0, absl::nullopt, 1000), IsEmpty());
  EXPECT_EQ(*store_->LastRecord(uid + 1), absl::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Stores, StreamStoreTest,
                         testing::Values(StoreKind::kMemory, StoreKind::kRocks),
                         [](const auto& info) { return NameOf(info.param); });

}  // namespace
}  // namespace oxbow
