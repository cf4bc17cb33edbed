// The fixture of the contract test: any store, and short words for what is
// put into it.
#ifndef OXBOW_STORE_TESTING_STREAM_STORE_FIXTURE_H_
#define OXBOW_STORE_TESTING_STREAM_STORE_FIXTURE_H_

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "store/stream_store.h"
#include "store/testing/log_author.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"

namespace oxbow {

inline StreamRecord Stream(StreamUid uid, const std::string& name) {
  StreamRecord stream;
  stream.uid = uid;
  stream.tenant = "tenant";
  stream.name = name;
  stream.created = absl::FromUnixSeconds(1);
  return stream;
}

inline CheckpointHeader At(StreamUid uid, uint64_t token_offset,
                           const std::string& reader = "generator") {
  CheckpointHeader header;
  header.uid = uid;
  header.reader = reader;
  header.token_offset = token_offset;
  header.position = {token_offset * 4, 0};
  header.created = absl::FromUnixSeconds(2);
  return header;
}

inline EmbeddingRecord Span(uint64_t token_begin) {
  return {token_begin,
          token_begin + 10,
          token_begin * 4,
          token_begin * 4 + 40,
          {1.5f, -2.0f, static_cast<float>(token_begin)}};
}

inline StoreBatch Put(const StreamRecord& stream) {
  StoreBatch batch;
  batch.put_streams.push_back(stream);
  return batch;
}

inline StoreBatch Append(StreamUid uid, const std::vector<LogRecord>& records) {
  StoreBatch batch;
  for (const LogRecord& record : records) {
    batch.appends.push_back({uid, record});
  }
  return batch;
}

inline std::vector<std::string> NamesOf(
    const std::vector<StreamRecord>& streams) {
  std::vector<std::string> names;
  for (const StreamRecord& stream : streams) names.push_back(stream.name);
  return names;
}

inline std::vector<uint64_t> SequencesOf(
    const std::vector<LogRecord>& records) {
  std::vector<uint64_t> sequences;
  for (const LogRecord& record : records) sequences.push_back(record.sequence);
  return sequences;
}

class StreamStoreTest : public testing::TestWithParam<StoreKind> {
 protected:
  StreamStoreTest() : store_(GetParam()) {}

  absl::Status Write(const StoreBatch& batch) {
    return store_->Write(batch, /*sync=*/true);
  }
  // A new stream of that name.
  StreamUid Create(const std::string& name) {
    const StreamUid uid = *store_->NewUid();
    EXPECT_OK(Write(Put(Stream(uid, name))));
    return uid;
  }
  // Sequences of a page of a log.
  std::vector<uint64_t> Read(StreamUid uid, uint64_t byte_offset,
                             absl::optional<uint64_t> after, size_t bytes_max) {
    const auto page = store_->ReadLog(uid, byte_offset, after, bytes_max);
    EXPECT_OK(page);
    return page.ok() ? SequencesOf(*page) : std::vector<uint64_t>();
  }
  // All there is of a log, as text.
  std::string TextOf(StreamUid uid) {
    std::string text;
    const auto page = store_->ReadLog(uid, 0, absl::nullopt, 1 << 20);
    EXPECT_OK(page);
    if (!page.ok()) return "failed";
    for (const LogRecord& record : *page) text += record.text;
    return text;
  }

  StoreUnderTest store_;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_TESTING_STREAM_STORE_FIXTURE_H_
