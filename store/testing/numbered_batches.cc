#include "store/testing/numbered_batches.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

constexpr StreamUid kUid = 1;
constexpr char kReader[] = "generator";
constexpr char kName[] = "numbered";

// Bytes that do not compress and follow from the number.
std::string Contents(uint64_t number, uint64_t salt) {
  uint64_t x = number * 2654435761u + salt;
  const size_t size = number % 7 == 0 ? 20000 : 10 + number % 100;
  std::string bytes(size, '\0');
  for (char& c : bytes) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    c = static_cast<char>(x >> 56);
  }
  return bytes;
}

EmbeddingRecord EmbeddingOf(uint64_t number) {
  EmbeddingRecord embedding;
  embedding.token_begin = number;
  embedding.token_end = number + 1;
  embedding.vector = {static_cast<float>(number), 0.5f};
  return embedding;
}

absl::Status NotWhole(absl::string_view what, uint64_t number) {
  return absl::InternalError(
      absl::StrCat(what, " of batch ", number, " is not what was written"));
}

absl::StatusOr<uint64_t> CountRecords(StreamStore& store) {
  uint64_t count = 0;
  absl::optional<uint64_t> after;
  while (true) {
    ASSIGN_OR_RETURN(std::vector<LogRecord> page,
                     store.ReadLog(kUid, 0, after, 1 << 16));
    if (page.empty()) return count;
    for (const LogRecord& record : page) {
      if (record.sequence != count || record.text != Contents(count, 1)) {
        return NotWhole("the record", count);
      }
      ++count;
    }
    after = page.back().sequence;
  }
}

absl::Status CheckCheckpoints(StreamStore& store, uint64_t count) {
  ASSIGN_OR_RETURN(std::vector<CheckpointHeader> headers,
                   store.ListCheckpoints(kUid, kReader));
  if (headers.size() != std::min(count, NumberedBatches::kKept)) {
    return NotWhole("the number of checkpoints", count);
  }
  for (uint64_t i = 0; i < headers.size(); ++i) {
    const uint64_t number = count - headers.size() + i;
    ASSIGN_OR_RETURN(const Checkpoint checkpoint,
                     store.ReadCheckpoint(kUid, kReader, number));
    if (checkpoint.state != Contents(number, 2)) {
      return NotWhole("the state", number);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckEmbeddings(StreamStore& store, uint64_t count) {
  ASSIGN_OR_RETURN(std::vector<EmbeddingRecord> embeddings,
                   store.ReadEmbeddings(kUid, 0, 1 << 30));
  if (embeddings.size() != count) {
    return NotWhole("the number of embeddings", count);
  }
  for (uint64_t i = 0; i < count; ++i) {
    if (embeddings[i].vector != EmbeddingOf(i).vector) {
      return NotWhole("the embedding", i);
    }
  }
  ASSIGN_OR_RETURN(absl::optional<EmbeddingRecord> last,
                   store.LastEmbedding(kUid));
  if (last.has_value() != (count > 0)) return NotWhole("the last", count);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<NumberedBatches> NumberedBatches::GoOn(StreamStore& store) {
  NumberedBatches batches;
  ASSIGN_OR_RETURN(absl::optional<LogRecord> last, store.LastRecord(kUid));
  if (last) batches.author_ = LogAuthor(*last);
  return batches;
}

StoreBatch NumberedBatches::Next() {
  const uint64_t number = author_.next_sequence();
  StoreBatch batch;
  StreamRecord stream;
  stream.uid = kUid;
  stream.name = kName;
  stream.epoch = number;
  batch.put_streams.push_back(std::move(stream));
  batch.appends.push_back({kUid, author_.Text(Contents(number, 1))});
  Checkpoint checkpoint;
  checkpoint.header.uid = kUid;
  checkpoint.header.reader = kReader;
  checkpoint.header.token_offset = number;
  if (number >= kKept) {
    batch.delete_checkpoints.push_back(checkpoint.header);
    batch.delete_checkpoints[0].token_offset = number - kKept;
  }
  checkpoint.state = Contents(number, 2);
  batch.put_checkpoints.push_back(std::move(checkpoint));
  batch.put_embeddings.push_back({kUid, EmbeddingOf(number)});
  return batch;
}

absl::StatusOr<uint64_t> NumberedBatches::CountWhole(StreamStore& store) {
  ASSIGN_OR_RETURN(const uint64_t count, CountRecords(store));
  RETURN_IF_ERROR(CheckCheckpoints(store, count));
  RETURN_IF_ERROR(CheckEmbeddings(store, count));
  ASSIGN_OR_RETURN(std::vector<StreamRecord> streams,
                   store.ListStreams("", "", 10));
  if (streams.size() != (count > 0 ? 1 : 0)) {
    return NotWhole("the list of streams", count);
  }
  if (count == 0) return count;
  ASSIGN_OR_RETURN(const StreamRecord stream, store.FindStream("", kName));
  if (stream.epoch + 1 != count || stream.uid != kUid) {
    return NotWhole("the stream", count - 1);
  }
  return count;
}

}  // namespace oxbow
