#include "store/verify_store.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/encode_records.h"
#include "store/keys.h"
#include "store/open_rocks_db.h"
#include "store/testing/rocks_store_fixture.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;
using absl::StatusCode;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A store with a stream "book" of three records, two checkpoints and two
// embeddings, a fork of it, an import, and the uid of a deleted stream.
class VerifyStoreTest : public RocksStoreTest {
 protected:
  VerifyStoreTest() {
    EXPECT_OK(Open());
    book_ = *store_->NewUid();
    fork_ = *store_->NewUid();
    origin_ = *store_->NewUid();
    import_ = *store_->NewUid();
    StoreBatch batch;
    batch.put_streams.push_back(Stream(book_, "book"));
    for (const char* text : {"one ", "two ", "three "}) {
      batch.appends.push_back({book_, author_.Text(text)});
    }
    batch.put_checkpoints.push_back(State(book_, 1, {4, 0}, "tiny"));
    batch.put_checkpoints.push_back(
        State(book_, 3, author_.end(), std::string(20000, 's')));
    batch.put_embeddings.push_back({book_, {0, 1, 0, 4, {1.0f}}});
    batch.put_embeddings.push_back({book_, {1, 3, 4, 14, {2.0f}}});
    batch.put_requests.push_back({book_, "retry", "done"});
    EXPECT_OK(store_->Write(batch, /*sync=*/true));
    MakeFork();
    MakeImport();
    EXPECT_OK(store_->SetProperty("generator_model", "abc"));
  }

  static StreamRecord Stream(StreamUid uid, const std::string& name) {
    StreamRecord stream;
    stream.uid = uid;
    stream.tenant = "default";
    stream.name = name;
    return stream;
  }
  static Checkpoint State(StreamUid uid, uint64_t token, Position position,
                          std::string state) {
    Checkpoint checkpoint;
    checkpoint.header.uid = uid;
    checkpoint.header.reader = "generator";
    checkpoint.header.token_offset = token;
    checkpoint.header.position = position;
    checkpoint.state = std::move(state);
    return checkpoint;
  }
  void MakeFork() {
    StoreBatch batch;
    StreamRecord fork = Stream(fork_, "fork");
    fork.ancestry.push_back({book_, {8, 0}, false, absl::nullopt});
    batch.put_streams.push_back(fork);
    LogAuthor author(Position{8, 0});
    batch.appends.push_back({fork_, author.Text("else")});
    EXPECT_OK(store_->Write(batch, true));
  }
  void MakeImport() {
    StoreBatch state;
    state.put_checkpoints.push_back(State(origin_, 70, {500, 0}, "imported"));
    EXPECT_OK(store_->Write(state, true));
    StoreBatch batch;
    StreamRecord import = Stream(import_, "import");
    import.ancestry.push_back({origin_, {500, 0}, true, 70});
    batch.put_streams.push_back(import);
    EXPECT_OK(store_->Write(batch, true));
  }

  // Changes the closed store behind its back.
  void Put(Family family, const std::string& key, const std::string& value) {
    Change([&](RocksDb& db) {
      ASSERT_TRUE(db.raw().Put({}, db.handle(family), key, value).ok());
    });
  }
  void Delete(Family family, const std::string& key) {
    Change([&](RocksDb& db) {
      ASSERT_TRUE(db.raw().Delete({}, db.handle(family), key).ok());
    });
  }
  void Change(const std::function<void(RocksDb&)>& change) {
    store_ = nullptr;
    const auto opened = OpenRocksDb(options_);
    ASSERT_OK(opened);
    change(*opened->db);
  }

  VerifyReport Verify() {
    VerifyOptions options;
    options.store = options_;
    const auto report = VerifyStore(options);
    EXPECT_OK(report);
    return report.ok() ? *report : VerifyReport();
  }
  std::vector<std::string> Findings() { return Verify().findings; }

  StreamUid book_, fork_, origin_, import_;
};

TEST_F(VerifyStoreTest, AWholeStoreIsCountedAndLeftAsItIs) {
  ASSERT_OK(store_->DeleteStream(fork_));
  store_ = nullptr;
  const auto before = FilesOf(options_.path);
  const VerifyReport report = Verify();
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(report.streams, 2u);
  EXPECT_EQ(report.unowned, 2u);
  EXPECT_EQ(report.log_records, 4u);
  EXPECT_EQ(report.log_bytes, 18u);
  EXPECT_EQ(report.checkpoints, 3u);
  EXPECT_EQ(report.embeddings, 2u);
  EXPECT_EQ(FilesOf(options_.path), before);
}

TEST_F(VerifyStoreTest, AStoreInUseIsReadAsItIs) {
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_OK(store_->NewUid());
}

TEST_F(VerifyStoreTest, ADamagedRecordIsNamed) {
  Put(Family::kLog, LogKey(book_, 4, 1), "not it at all");
  EXPECT_THAT(Findings(),
              ElementsAre(AllOf(HasSubstr("\"book\""), HasSubstr("byte 4"))));
}

TEST_F(VerifyStoreTest, AMissingRecordIsAGap) {
  Delete(Family::kLog, LogKey(book_, 4, 1));
  EXPECT_THAT(Findings(),
              ElementsAre(AllOf(HasSubstr("\"book\""), HasSubstr("byte 8"),
                                HasSubstr("gap"))));
}

TEST_F(VerifyStoreTest, AMissingBeginningOrEndIsFound) {
  Delete(Family::kLog, LogKey(book_, 0, 0));
  Delete(Family::kLog, LogKey(book_, 8, 2));
  EXPECT_THAT(Findings(),
              ElementsAre(HasSubstr("begins with its record 1"),
                          HasSubstr("shares bytes 0 to 8"),
                          AllOf(HasSubstr("token 3"), HasSubstr("past")),
                          AllOf(HasSubstr("token 1"), HasSubstr("past"))));
}

TEST_F(VerifyStoreTest, ARecordOfAnotherChainIsFound) {
  LogAuthor other(Position{4, 0});
  LogRecord record = other.Text("TWO ");
  record.sequence = 1;
  const std::string key = LogKey(book_, 4, 1);
  Put(Family::kLog, key, EncodeLogRecord(key, record));
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("breaks the chain"),
                                      HasSubstr("breaks the chain")));
}

TEST_F(VerifyStoreTest, StatesAreHeldAgainstTheirDigests) {
  Put(Family::kState, CheckpointKey(book_, "generator", 3),
      std::string(20000, 't'));
  Delete(Family::kState, CheckpointKey(origin_, "generator", 70));
  Put(Family::kState, CheckpointKey(book_, "generator", 2), "stray");
  EXPECT_THAT(
      Findings(),
      ElementsAre(HasSubstr("no checkpoint belongs to it"),
                  AllOf(HasSubstr("\"book\""), HasSubstr("token 3"),
                        HasSubstr("fails its digest")),
                  AllOf(HasSubstr("token 70"), HasSubstr("is missing"))));
}

TEST_F(VerifyStoreTest, AnImportWithoutItsStateIsFound) {
  Delete(Family::kCheckpoint, CheckpointKey(origin_, "generator", 70));
  Delete(Family::kState, CheckpointKey(origin_, "generator", 70));
  EXPECT_THAT(Findings(),
              ElementsAre(AllOf(HasSubstr("\"import\""),
                                HasSubstr("imported state that is not"))));
}

TEST_F(VerifyStoreTest, AnAncestorThatWentIsFound) {
  Delete(Family::kMeta, UnownedKey(origin_));
  EXPECT_THAT(Findings(), ElementsAre(AllOf(HasSubstr("\"import\""),
                                            HasSubstr("which is not stored")),
                                      HasSubstr("nothing would remove it")));
}

TEST_F(VerifyStoreTest, NamesAndStreamsLeadToEachOther) {
  Put(Family::kMeta, NameKey("default", "novel"),
      EncodeNameOwner(NameKey("default", "novel"), book_));
  Put(Family::kMeta, NameKey("default", "none"),
      EncodeNameOwner(NameKey("default", "none"), 77));
  Delete(Family::kMeta, NameKey("default", "fork"));
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("uid 77, which is no stream"),
                                      HasSubstr("whose name is another"),
                                      AllOf(HasSubstr("\"fork\""),
                                            HasSubstr("leads to nothing"))));
}

TEST_F(VerifyStoreTest, UidsThatWouldBeGivenAgainAreFound) {
  Put(Family::kMeta, UidLimitKey(), EncodeUidLimit(UidLimitKey(), import_));
  EXPECT_THAT(Findings(), ElementsAre(AllOf(HasSubstr("\"import\""),
                                            HasSubstr("given again"))));
  Delete(Family::kMeta, UidLimitKey());
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("next uid is missing")));
}

TEST_F(VerifyStoreTest, ADamagedStreamDoesNotBlameItsData) {
  Put(Family::kMeta, StreamKey(book_), "nonsense");
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("The record of stream uid 1")));
}

TEST_F(VerifyStoreTest, DamagedEmbeddingsResultsAndPropertiesAreFound) {
  Put(Family::kEmbedding, EmbeddingKey(book_, 1), "nonsense");
  Put(Family::kMeta, RequestKey(book_, "retry"), "nonsense");
  Put(Family::kMeta, PropertyKey("generator_model"), "nonsense");
  EXPECT_THAT(Findings(),
              ElementsAre(HasSubstr("generator_model"), HasSubstr("retry"),
                          HasSubstr("from token 1")));
}

TEST_F(VerifyStoreTest, ABeginningThatWouldOutliveItsUidIsFound) {
  const Digest mark = Sha256("tokens");
  StoreBatch batch;
  batch.put_beginnings.push_back({book_, "default", "generator", mark, 7});
  ASSERT_OK(store_->Write(batch, /*sync=*/true));
  EXPECT_THAT(Findings(), IsEmpty());
  const std::string key = BeginningKey("default", "generator", mark, book_);
  Delete(Family::kMeta, OwnBeginningKey(book_, key));
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("would stay")));
  Put(Family::kMeta, key, "nonsense");
  Put(Family::kMeta, OwnBeginningKey(book_, key), "nonsense");
  EXPECT_EQ(Findings().size(), 2u);
}

TEST_F(VerifyStoreTest, ALaterKindIsCountedIfSealed) {
  Put(Family::kMeta, "Cprefix", EncodeOpaque("Cprefix", "of a later release"));
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_EQ(Verify().unknown, 1u);
  Put(Family::kMeta, "Cother", "bare bytes");
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("Cother")));
}

TEST_F(VerifyStoreTest, LostAcknowledgedWritesAreFound) {
  store_ = nullptr;
  auto mark = DurableMark::Open(options_.path + "/durable");
  ASSERT_OK(mark);
  (*mark)->Raise(1000000);
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("writes are missing")));
}

// Every byte of every file of RocksDB's is under a checksum that is read.
TEST_F(VerifyStoreTest, AFlippedByteInAFileIsFound) {
  store_ = nullptr;
  for (const auto& file : FilesOf(options_.path + "/rocksdb")) {
    const std::string kind = fs::path(file.first).extension();
    if (kind != ".sst" && kind != ".blob") continue;
    for (const size_t at : {size_t{0}, file.second.size() / 2}) {
      std::string bytes = file.second;
      bytes[at] ^= 1;
      std::ofstream(file.first, std::ios::binary) << bytes;
      EXPECT_GT(Verify().findings_count, 0u) << file.first << " at " << at;
    }
    std::ofstream(file.first, std::ios::binary) << file.second;
  }
  EXPECT_THAT(Findings(), IsEmpty());
}

// An unreadable block does not hide the damage of another stream behind it.
TEST_F(VerifyStoreTest, WhatIsBehindAnUnreadableBlockIsLookedAt) {
  StoreBatch batch;
  LogAuthor author(author_);
  for (int i = 0; i < 50; ++i) {
    std::string text(5000, 'x');
    for (char& c : text) c = static_cast<char>('a' + rand() % 26);
    batch.appends.push_back({book_, author.Text(text)});
  }
  ASSERT_OK(store_->Write(batch, /*sync=*/true));
  Put(Family::kLog, LogKey(fork_, 8, 0), "not it at all");
  ASSERT_OK(Open());
  store_ = nullptr;  // Into files.
  for (const auto& file : FilesOf(options_.path + "/rocksdb")) {
    const size_t at = file.second.size() / 2;
    if (fs::path(file.first).extension() != ".sst" || at < 50000) continue;
    std::string bytes = file.second;
    bytes[at] ^= 1;
    std::ofstream(file.first, std::ios::binary) << bytes;
  }
  const std::vector<std::string> findings = Findings();
  EXPECT_THAT(findings, Contains(AllOf(HasSubstr("behind stream \"book\""),
                                       HasSubstr("cannot be read"))));
  EXPECT_THAT(findings,
              Contains(AllOf(HasSubstr("\"fork\""), HasSubstr("byte 8"))));
  EXPECT_THAT(findings, Contains(HasSubstr("RocksDB's own files")));
}

TEST_F(VerifyStoreTest, AStoreUnderLoadIsWhole) {
  std::atomic<int> written{0};
  std::thread load([&] {
    LogAuthor author(author_);
    for (uint64_t i = 0; i < 400; ++i) {
      StoreBatch batch;
      batch.appends.push_back({book_, author.Text(std::string(5000, 'x'))});
      batch.put_checkpoints.push_back(
          State(book_, 10 + i, author.end(), std::string(30000, 's')));
      if (i > 4) {
        batch.delete_checkpoints.push_back(
            State(book_, 10 + i - 4, {}, "").header);
      }
      ASSERT_OK(store_->Write(batch, /*sync=*/false));
      ++written;
    }
  });
  VerifyOptions options;
  options.store = options_;
  int whole = 0;
  while (written < 400) {
    const auto report = VerifyStore(options);
    if (!report.ok()) {
      EXPECT_THAT(report, StatusIs(StatusCode::kUnavailable));
      continue;
    }
    EXPECT_THAT(report->findings, IsEmpty());
    ++whole;
  }
  load.join();
  EXPECT_GT(whole, 0);
  EXPECT_EQ(Verify().log_records, 404u);
}

TEST_F(VerifyStoreTest, WhatIsNoStoreIsNoFinding) {
  store_ = nullptr;
  VerifyOptions options;
  options.store.path = Path("none");
  EXPECT_THAT(VerifyStore(options), StatusIs(StatusCode::kNotFound));
  Put(Family::kMeta, FormatKey(), "2");
  options.store = options_;
  EXPECT_THAT(VerifyStore(options), StatusIs(StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace oxbow
