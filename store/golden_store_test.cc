// The stores of past releases open, and hold what was written into them; those
// of later ones are left alone.
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/encode_records.h"
#include "store/keys.h"
#include "store/open_rocks_db.h"
#include "store/plan_sweep.h"
#include "store/rocks_store.h"
#include "store/testing/golden_contents.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"
#include "store/verify_store.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

// Encodings stand for records: they have every field.
std::string Bytes(const LogRecord& record) {
  return EncodeLogRecord("", record);
}
std::string Bytes(const CheckpointHeader& header) {
  return EncodeCheckpoint("", {header, Digest{}, 0});
}

class GoldenStoreTest : public testing::Test {
 protected:
  GoldenStoreTest() {
    options_.path = folder_.path() + "/store";
    options_.free_bytes_min = 0;
    fs::copy("store/testdata/format1", options_.path,
             fs::copy_options::recursive);
  }

  void ExpectStream(StreamStore& store, const StreamRecord& wanted) {
    const auto stream = store.FindStream(wanted.tenant, wanted.name);
    ASSERT_OK(stream) << wanted.name;
    EXPECT_EQ(EncodeStream("", *stream), EncodeStream("", wanted));
  }
  void ExpectCheckpoint(StreamStore& store, const Checkpoint& wanted) {
    const CheckpointHeader& header = wanted.header;
    const auto found =
        store.ReadCheckpoint(header.uid, header.reader, header.token_offset);
    ASSERT_OK(found) << header.uid << " " << header.token_offset;
    EXPECT_EQ(Bytes(found->header), Bytes(header));
    EXPECT_EQ(found->state, wanted.state);
  }
  // All but the logs, which are compared as wholes.
  void ExpectBatch(StreamStore& store, const StoreBatch& batch) {
    for (const StreamRecord& stream : batch.put_streams) {
      ExpectStream(store, stream);
    }
    for (const Checkpoint& checkpoint : batch.put_checkpoints) {
      ExpectCheckpoint(store, checkpoint);
    }
    for (const auto& embedding : batch.put_embeddings) {
      const auto found =
          store.ReadEmbeddings(embedding.uid, embedding.record.token_begin, 1);
      ASSERT_OK(found);
      ASSERT_EQ(found->size(), 1u);
      EXPECT_EQ(EncodeEmbedding("", found->front()),
                EncodeEmbedding("", embedding.record));
    }
    for (const auto& request : batch.put_requests) {
      const auto found = store.FindRequest(request.uid, request.request_id);
      ASSERT_OK(found);
      EXPECT_EQ(*found, request.result);
    }
  }

  TestFolder folder_;
  RocksStoreOptions options_;
};

TEST_F(GoldenStoreTest, AStoreOfFormat1HoldsWhatWasWritten) {
  const GoldenContents contents = ContentsOfFormat1();
  auto opened = OpenRocksStore(options_);
  ASSERT_OK(opened);
  StreamStore& store = **opened;
  std::map<StreamUid, std::vector<std::string>> logs;
  for (const StoreBatch& batch : contents.batches) {
    for (const StoreBatch::Append& append : batch.appends) {
      logs[append.uid].push_back(Bytes(append.record));
    }
    if (!batch.put_streams.empty() &&
        batch.put_streams[0].uid == contents.deleted) {
      EXPECT_THAT(store.FindStream("default", batch.put_streams[0].name),
                  StatusIs(absl::StatusCode::kNotFound));
    } else {
      ExpectBatch(store, batch);
    }
  }
  EXPECT_EQ(logs.size(), 4u);
  for (const auto& log : logs) {
    const auto records = store.ReadLog(log.first, 0, absl::nullopt, 1 << 20);
    ASSERT_OK(records);
    std::vector<std::string> found;
    for (const LogRecord& record : *records) found.push_back(Bytes(record));
    EXPECT_EQ(found, log.second) << "uid " << log.first;
  }
  EXPECT_EQ(*store.GetProperty(contents.property), contents.property);
  EXPECT_EQ(*store.NewUid(), 1001u);
  EXPECT_EQ(*store.Sweep(absl::Now()), 1);
}

TEST_F(GoldenStoreTest, AStoreOfFormat1IsWhole) {
  VerifyOptions options;
  options.store = options_;
  const auto report = VerifyStore(options);
  ASSERT_OK(report);
  EXPECT_THAT(report->findings, IsEmpty());
  EXPECT_EQ(report->streams, 4u);
  EXPECT_EQ(report->unowned, 2u);
  EXPECT_EQ(report->log_records, 6u);
  EXPECT_EQ(report->checkpoints, 5u);
  EXPECT_EQ(report->embeddings, 2u);
}

// Every file and folder, with its contents and the time of its last change.
using Files =
    std::map<std::string, std::tuple<std::string, fs::file_time_type>>;
Files FilesBelow(const std::string& path) {
  Files files;
  files[path] = {"", fs::last_write_time(path)};
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    std::ostringstream contents;
    if (entry.is_regular_file()) {
      contents << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    }
    files[entry.path()] = {contents.str(), entry.last_write_time()};
  }
  return files;
}

TEST_F(GoldenStoreTest, AStoreOfALaterFormatIsLeftUntouched) {
  {
    const auto opened = OpenRocksDb(options_);
    ASSERT_OK(opened);
    ASSERT_TRUE(opened->db->raw()
                    .Put(MakeWriteOptions(/*sync=*/true),
                         opened->db->handle(Family::kMeta), FormatKey(), "2")
                    .ok());
  }
  const auto later = StatusIs(absl::StatusCode::kFailedPrecondition);
  for (const bool has_lock : {true, false}) {
    if (!has_lock) fs::remove(options_.path + "/lock");
    const Files before = FilesBelow(options_.path);
    EXPECT_THAT(OpenRocksStore(options_), later);
    VerifyOptions verify;
    verify.store = options_;
    EXPECT_THAT(VerifyStore(verify), later);
    EXPECT_THAT(PlanSweepOf(options_, absl::Now()), later);
    EXPECT_EQ(FilesBelow(options_.path), before) << has_lock;
  }
}

}  // namespace
}  // namespace oxbow
