// Keeps streams: their records, logs, checkpoints and embeddings.
//
// Two implementations, one contract: RocksStore (the real one) and
// MemoryStore (tests). stream_store_test.cc holds both to the words below.
//
// The store knows no model and no tokenizer: a state is bytes, an id is a
// number. It never invents: what fails a checksum or a digest is DataLoss.
#ifndef OXBOW_STORE_STREAM_STORE_H_
#define OXBOW_STORE_STREAM_STORE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "store/records.h"

namespace oxbow {

// Changes that become visible and durable together, or not at all.
struct StoreBatch {
  struct Append {
    StreamUid uid = 0;
    LogRecord record;
  };
  struct Request {
    StreamUid uid = 0;
    std::string request_id;
    std::string result;
    // From when its time counts (request_retention.h). nullopt: it stays as
    // long as its uid.
    absl::optional<absl::Time> made;
  };
  struct Embedding {
    StreamUid uid = 0;
    EmbeddingRecord record;
  };
  std::vector<StreamRecord> put_streams;  // new, or replaces its uid's record
  std::vector<Append> appends;
  std::vector<Checkpoint> put_checkpoints;
  // Replaces the savepoints of a stored checkpoint.
  std::vector<CheckpointHeader> put_checkpoint_headers;
  std::vector<CheckpointHeader> delete_checkpoints;
  std::vector<Embedding> put_embeddings;
  std::vector<Request> put_requests;
  std::vector<Beginning> put_beginnings;

  size_t ByteSize() const;  // about what it adds to the log on disk
  // Whether it makes the store larger; one that does not is taken on a full
  // disk, too.
  bool Adds() const;
};

// Thread-safe. Every call may block on disk: never call from the engine
// thread.
class StreamStore {
 public:
  virtual ~StreamStore() = default;

  // A uid that was never given before, also not before a crash.
  virtual absl::StatusOr<StreamUid> NewUid() = 0;

  // Applies the batch, its parts in the order StoreBatch declares them. With
  // `sync`, once this returns OK it survives kill -9 and power loss. A put
  // checkpoint keeps the savepoints of the one it replaces.
  //
  // AlreadyExists, nothing changed: a put stream's (tenant, name) belongs to
  // another uid. FailedPrecondition, nothing changed: an append does not
  // continue its uid's log (sequence, begin or chain); a put stream was
  // deleted, or is new and shares a log that was removed; a put header's
  // checkpoint is not stored. InvalidArgument, nothing changed: a record or
  // stream that no engine means. ResourceExhausted: the disk is full, nothing
  // changed. DataLoss: a write or sync failed; what was not acknowledged
  // before is unknown, and every later Write fails until the store is opened
  // anew.
  virtual absl::Status Write(const StoreBatch& batch, bool sync) = 0;

  // NotFound: no such stream (or deleted).
  virtual absl::StatusOr<StreamRecord> FindStream(const std::string& tenant,
                                                  const std::string& name) = 0;
  // Up to `limit` streams of the tenant whose names follow `after`, by name.
  virtual absl::StatusOr<std::vector<StreamRecord>> ListStreams(
      const std::string& tenant, const std::string& after, int limit) = 0;
  // The name is free at once; log and checkpoints live on as long as another
  // stream's ancestry names them. NotFound. Synced.
  virtual absl::Status DeleteStream(StreamUid uid) = 0;

  // The last record of the uid's own log; nullopt if it has none.
  virtual absl::StatusOr<absl::optional<LogRecord>> LastRecord(
      StreamUid uid) = 0;
  // Records of the uid's own log in order, beginning with the last one that
  // begins before `byte_offset` (or the first one), until `bytes_max` bytes
  // of content are passed; at least one record if there is one. Pass
  // `after_sequence` to go on behind a record instead. DataLoss: a record is
  // damaged or its chain broken.
  virtual absl::StatusOr<std::vector<LogRecord>> ReadLog(
      StreamUid uid, uint64_t byte_offset,
      absl::optional<uint64_t> after_sequence, size_t bytes_max) = 0;

  // Headers of the uid's own checkpoints of one reader, by token offset.
  virtual absl::StatusOr<std::vector<CheckpointHeader>> ListCheckpoints(
      StreamUid uid, const std::string& reader) = 0;
  // DataLoss: the state fails its digest. NotFound.
  virtual absl::StatusOr<Checkpoint> ReadCheckpoint(StreamUid uid,
                                                    const std::string& reader,
                                                    uint64_t token_offset) = 0;

  // Up to `limit` embeddings of the uid's own spans whose token_begin is at
  // least `token_begin`, in order.
  virtual absl::StatusOr<std::vector<EmbeddingRecord>> ReadEmbeddings(
      StreamUid uid, uint64_t token_begin, int limit) = 0;
  // The newest embedding of the uid; nullopt if it has none.
  virtual absl::StatusOr<absl::optional<EmbeddingRecord>> LastEmbedding(
      StreamUid uid) = 0;

  // Up to `limit` of those that begin so, newest uids first. They go with their
  // uid's data.
  virtual absl::StatusOr<std::vector<Beginning>> FindBeginnings(
      const std::string& tenant, const std::string& reader, const Digest& mark,
      int limit) = 0;

  // The result stored for a request id; nullopt if there is none.
  virtual absl::StatusOr<absl::optional<std::string>> FindRequest(
      StreamUid uid, const std::string& request_id) = 0;

  // Small facts about the whole store ("generator_model_id", ...).
  virtual absl::StatusOr<absl::optional<std::string>> GetProperty(
      const std::string& key) = 0;
  virtual absl::Status SetProperty(const std::string& key,
                                   const std::string& value) = 0;

  // Removes logs, checkpoints and embeddings that no stream can reach any
  // more (found from the stream records alone, no reference counts), streams
  // expired at `now`, and requests whose time is over (request_retention.h).
  // Returns the number of uids removed.
  virtual absl::StatusOr<int> Sweep(absl::Time now) = 0;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_STREAM_STORE_H_
