// A store that waits and fails as a test tells it.
#ifndef OXBOW_STORE_TESTING_FAULTY_STORE_H_
#define OXBOW_STORE_TESTING_FAULTY_STORE_H_

#include <deque>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "store/stream_store.h"

namespace oxbow {

// Hands every call on to another store, which must outlive it. Thread-safe.
class FaultyStore : public StreamStore {
 public:
  explicit FaultyStore(StreamStore* store) : store_(store) {}

  // What the next writes return instead of being written; OK: written.
  void Fail(std::vector<absl::Status> next);
  // What the next write of an embedding returns instead.
  void FailEmbedding(absl::Status status);
  // Writes wait until Release().
  void Hold();
  void Release();
  // Returns once a write waits. Call only between Hold() and Release().
  void AwaitHeld();

  // What was handed on so far.
  int writes() const;
  int synced_writes() const;

  absl::StatusOr<StreamUid> NewUid() override;
  absl::Status Write(const StoreBatch& batch, bool sync) override;
  absl::StatusOr<StreamRecord> FindStream(const std::string& tenant,
                                          const std::string& name) override;
  absl::StatusOr<std::vector<StreamRecord>> ListStreams(
      const std::string& tenant, const std::string& after, int limit) override;
  absl::Status DeleteStream(StreamUid uid) override;
  absl::StatusOr<absl::optional<LogRecord>> LastRecord(StreamUid uid) override;
  absl::StatusOr<std::vector<LogRecord>> ReadLog(
      StreamUid uid, uint64_t byte_offset,
      absl::optional<uint64_t> after_sequence, size_t bytes_max) override;
  absl::StatusOr<std::vector<CheckpointHeader>> ListCheckpoints(
      StreamUid uid, const std::string& reader) override;
  absl::StatusOr<Checkpoint> ReadCheckpoint(StreamUid uid,
                                            const std::string& reader,
                                            uint64_t token_offset) override;
  absl::StatusOr<std::vector<EmbeddingRecord>> ReadEmbeddings(
      StreamUid uid, uint64_t token_begin, int limit) override;
  absl::StatusOr<absl::optional<EmbeddingRecord>> LastEmbedding(
      StreamUid uid) override;
  absl::StatusOr<std::vector<Beginning>> FindBeginnings(
      const std::string& tenant, const std::string& reader, const Digest& mark,
      int limit) override;
  absl::StatusOr<absl::optional<std::string>> FindRequest(
      StreamUid uid, const std::string& request_id) override;
  absl::StatusOr<absl::optional<std::string>> GetProperty(
      const std::string& key) override;
  absl::Status SetProperty(const std::string& key,
                           const std::string& value) override;
  absl::StatusOr<int> Sweep(absl::Time now) override;

 private:
  StreamStore* const store_;
  mutable absl::Mutex mu_;
  std::deque<absl::Status> failures_ ABSL_GUARDED_BY(mu_);
  absl::Status embedding_failure_ ABSL_GUARDED_BY(mu_);
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  int waiting_ ABSL_GUARDED_BY(mu_) = 0;
  int writes_ ABSL_GUARDED_BY(mu_) = 0;
  int synced_writes_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_TESTING_FAULTY_STORE_H_
