// Thousands of random operations on every store, against a model so simple
// that it is plainly right.
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/soak.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/stream_store.h"
#include "store/testing/log_author.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"

namespace oxbow {
namespace {

constexpr char kReader[] = "generator";

// All that was ever written of one uid.
struct Uid {
  bool live = false;  // has a stream
  StreamRecord stream;
  LogAuthor author;
  std::vector<LogRecord> log;
  std::map<uint64_t, Checkpoint> checkpoints;
  std::map<uint64_t, EmbeddingRecord> embeddings;
  std::map<std::string, std::string> requests;
};

class StoreModelTest : public testing::TestWithParam<StoreKind> {
 protected:
  StoreModelTest() : store_(GetParam()) {}

  int Below(int bound) {
    return std::uniform_int_distribution<int>(0, bound - 1)(random_);
  }
  std::string RandomText() {
    std::string text(Below(Below(10) == 0 ? 3000 : 30) + 1, '\0');
    for (char& c : text) c = static_cast<char>(Below(256));
    return text;
  }
  bool Alive(const Uid& uid) {
    return uid.live && uid.stream.expires > store_.clock().Now();
  }
  // A random uid, dead or alive; 0 if there is none yet.
  StreamUid Any() {
    if (uids_.empty()) return 0;
    auto it = uids_.begin();
    std::advance(it, Below(static_cast<int>(uids_.size())));
    return it->first;
  }
  absl::Status Write(const StoreBatch& batch) {
    return store_->Write(batch, /*sync=*/Below(20) == 0);
  }

  void Create();
  void Append(StreamUid uid);
  void PutOthers(StreamUid uid);
  void DeleteSome(StreamUid uid);
  void Sweep();
  void Step();

  void CheckAll();
  void CheckUid(StreamUid uid, const Uid& expected);
  void CheckNames();

  StoreUnderTest store_;
  std::mt19937 random_{20261121};
  std::map<StreamUid, Uid> uids_;
};

void StoreModelTest::Create() {
  Uid uid;
  uid.stream.uid = *store_->NewUid();
  uid.stream.tenant = std::string(Below(2), 't');
  uid.stream.name = std::string(1, static_cast<char>('a' + Below(20)));
  if (Below(4) == 0) {
    uid.stream.expires = store_.clock().Now() + absl::Seconds(1 + Below(100));
  }
  const StreamUid parent = Any();
  if (parent != 0 && Alive(uids_[parent]) && Below(2) == 0) {
    const Uid& from = uids_[parent];
    uid.stream.ancestry = from.stream.ancestry;
    if (!from.log.empty()) {
      uid.stream.ancestry.push_back(
          {parent, from.log[Below(static_cast<int>(from.log.size()))].End(),
           false});
      uid.author = LogAuthor(uid.stream.ancestry.back().end);
    } else if (!from.stream.ancestry.empty()) {
      uid.author = LogAuthor(from.stream.ancestry.back().end);
    }
  }
  bool taken = false;
  for (auto& other : uids_) {
    if (!other.second.live || other.second.stream.name != uid.stream.name ||
        other.second.stream.tenant != uid.stream.tenant) {
      continue;
    }
    if (Alive(other.second)) {
      taken = true;
    } else {
      other.second.live = false;  // Its name is taken over.
    }
  }
  StoreBatch batch;
  batch.put_streams.push_back(uid.stream);
  const absl::Status status = Write(batch);
  if (taken) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kAlreadyExists));
    return;
  }
  ASSERT_OK(status);
  uid.live = true;
  uids_[uid.stream.uid] = uid;
}

void StoreModelTest::Append(StreamUid number) {
  Uid& uid = uids_[number];
  StoreBatch batch;
  if (Below(10) == 0) {  // One that does not follow.
    LogAuthor author = uid.author;
    author.Text("never written");
    batch.appends.push_back({number, author.Text("a gap")});
    EXPECT_THAT(Write(batch), StatusIs(absl::StatusCode::kFailedPrecondition));
    return;
  }
  for (int i = 0; i < 1 + Below(3); ++i) {
    const LogRecord record =
        Below(3) > 0
            ? uid.author.Text(RandomText())
            : uid.author.Tokens({Below(100), Below(100)}, Below(5), Below(3));
    batch.appends.push_back({number, record});
    uid.log.push_back(record);
  }
  ASSERT_OK(Write(batch));
}

void StoreModelTest::PutOthers(StreamUid number) {
  Uid& uid = uids_[number];
  StoreBatch batch;
  Checkpoint checkpoint;
  checkpoint.header.uid = number;
  checkpoint.header.reader = kReader;
  checkpoint.header.token_offset = Below(20);
  checkpoint.state = RandomText();
  if (Below(2) == 0) checkpoint.state.resize(5000, 's');
  batch.put_checkpoints.push_back(checkpoint);
  uid.checkpoints[checkpoint.header.token_offset] = checkpoint;
  EmbeddingRecord embedding;
  embedding.token_begin = Below(50);
  embedding.vector = {static_cast<float>(Below(1000))};
  batch.put_embeddings.push_back({number, embedding});
  uid.embeddings[embedding.token_begin] = embedding;
  const std::string id(1, static_cast<char>('a' + Below(5)));
  const std::string result = RandomText();
  batch.put_requests.push_back({number, id, result});
  uid.requests[id] = result;
  ASSERT_OK(Write(batch));
}

void StoreModelTest::DeleteSome(StreamUid number) {
  Uid& uid = uids_[number];
  if (Below(3) > 0) {
    StoreBatch batch;
    CheckpointHeader header;
    header.uid = number;
    header.reader = kReader;
    header.token_offset = Below(20);
    batch.delete_checkpoints.push_back(header);
    uid.checkpoints.erase(header.token_offset);
    ASSERT_OK(Write(batch));
    return;
  }
  EXPECT_THAT(
      store_->DeleteStream(number),
      StatusIs(uid.live ? absl::StatusCode::kOk : absl::StatusCode::kNotFound));
  uid.live = false;
}

void StoreModelTest::Sweep() {
  std::set<StreamUid> reachable;
  for (const auto& uid : uids_) {
    if (!Alive(uid.second)) continue;
    reachable.insert(uid.first);
    for (const Segment& part : uid.second.stream.ancestry) {
      reachable.insert(part.uid);
    }
  }
  std::vector<StreamUid> gone;
  for (auto& uid : uids_) {
    if (!Alive(uid.second)) uid.second.live = false;
    if (reachable.count(uid.first) == 0) gone.push_back(uid.first);
  }
  EXPECT_EQ(*store_->Sweep(store_.clock().Now()),
            static_cast<int>(gone.size()));
  for (StreamUid uid : gone) {
    uids_.erase(uid);
    CheckUid(uid, Uid());
  }
}

void StoreModelTest::CheckUid(StreamUid number, const Uid& expected) {
  const auto log = store_->ReadLog(number, 0, absl::nullopt, 1 << 30);
  ASSERT_OK(log);
  ASSERT_EQ(log->size(), expected.log.size()) << number;
  for (size_t i = 0; i < log->size(); ++i) {
    EXPECT_EQ((*log)[i].chain, expected.log[i].chain);
    EXPECT_EQ((*log)[i].text, expected.log[i].text);
    EXPECT_EQ((*log)[i].ids, expected.log[i].ids);
    EXPECT_EQ((*log)[i].End(), expected.log[i].End());
  }
  const auto headers = store_->ListCheckpoints(number, kReader);
  ASSERT_OK(headers);
  ASSERT_EQ(headers->size(), expected.checkpoints.size());
  for (const CheckpointHeader& header : *headers) {
    const auto read =
        store_->ReadCheckpoint(number, kReader, header.token_offset);
    ASSERT_OK(read);
    EXPECT_EQ(read->state, expected.checkpoints.at(header.token_offset).state);
  }
  const auto embeddings = store_->ReadEmbeddings(number, 0, 1000);
  ASSERT_OK(embeddings);
  ASSERT_EQ(embeddings->size(), expected.embeddings.size());
  for (const EmbeddingRecord& embedding : *embeddings) {
    EXPECT_EQ(embedding.vector,
              expected.embeddings.at(embedding.token_begin).vector);
  }
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    const auto it = expected.requests.find(id);
    const auto found = store_->FindRequest(number, id);
    ASSERT_OK(found);
    EXPECT_EQ(*found, it == expected.requests.end()
                          ? absl::nullopt
                          : absl::make_optional(it->second));
  }
}

void StoreModelTest::CheckNames() {
  for (const std::string tenant : {"", "t"}) {
    std::map<std::string, StreamUid> expected;
    for (const auto& uid : uids_) {
      const StreamRecord& stream = uid.second.stream;
      if (Alive(uid.second) && stream.tenant == tenant) {
        expected[stream.name] = stream.uid;
        EXPECT_EQ(store_->FindStream(tenant, stream.name)->uid, stream.uid);
      }
    }
    std::map<std::string, StreamUid> listed;
    const auto streams = store_->ListStreams(tenant, "", 1000);
    ASSERT_OK(streams);
    for (const StreamRecord& stream : *streams) {
      listed[stream.name] = stream.uid;
    }
    EXPECT_EQ(listed, expected);
  }
}

void StoreModelTest::CheckAll() {
  for (const auto& uid : uids_) CheckUid(uid.first, uid.second);
  CheckNames();
}

void StoreModelTest::Step() {
  const int kind = Below(100);
  const StreamUid uid = Any();
  if (uid == 0 || kind < 15) return Create();
  if (kind < 55) return Append(uid);
  if (kind < 75) return PutOthers(uid);
  if (kind < 85) return DeleteSome(uid);
  if (kind < 90) return store_.clock().Advance(Below(10));
  if (kind < 93) return Sweep();
  if (kind < 98) return CheckUid(uid, uids_[uid]);
  if (Below(4) == 0) store_.Reopen();
}

TEST_P(StoreModelTest, DoesWhatTheModelDoes) {
  for (int step = 0; step < Soaked(3000); ++step) {
    ASSERT_NO_FATAL_FAILURE(Step()) << "step " << step;
    if (HasFailure()) FAIL() << "step " << step;
    if (step % 500 == 0) CheckAll();
  }
  store_.Reopen();
  CheckAll();
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreModelTest,
                         testing::Values(StoreKind::kMemory, StoreKind::kRocks),
                         [](const auto& info) { return NameOf(info.param); });

}  // namespace
}  // namespace oxbow
