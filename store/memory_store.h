// A store that forgets everything when it goes: for tests.
#ifndef OXBOW_STORE_MEMORY_STORE_H_
#define OXBOW_STORE_MEMORY_STORE_H_

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "store/check_batch.h"
#include "store/stream_store.h"

namespace oxbow {

// StreamStore's contract but for what it says of crashes and disks.
// Thread-safe. Borrows the clock, which tells what has expired and must
// outlive it; nullptr is the machine's.
class MemoryStore : public StreamStore {
 public:
  explicit MemoryStore(const Clock* clock = nullptr);

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
  struct Stored {
    StoredCheckpoint checkpoint;
    std::string state;
  };
  // What is kept of one uid besides its stream.
  struct Data {
    std::vector<LogRecord> log;
    // By reader and token offset.
    std::map<std::pair<std::string, uint64_t>, Stored> checkpoints;
    std::map<uint64_t, EmbeddingRecord> embeddings;  // by token_begin
    std::map<std::string, StoreBatch::Request> requests;
    // By tenant, reader and mark.
    std::map<std::tuple<std::string, std::string, Digest>, Beginning>
        beginnings;
    bool deleted = false;  // its stream was
  };
  class View;

  void Retire(const StreamRecord& stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Apply(const StoreBatch& batch, const BatchEffects& effects)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void DropRequests(absl::Time now, Data* data);
  const Data& Of(StreamUid uid) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  RealClock real_clock_;
  const Clock* const clock_;
  absl::Mutex mu_;
  StreamUid next_uid_ ABSL_GUARDED_BY(mu_) = 1;
  std::map<StreamUid, StreamRecord> streams_ ABSL_GUARDED_BY(mu_);
  std::map<std::pair<std::string, std::string>, StreamUid> names_
      ABSL_GUARDED_BY(mu_);
  std::map<StreamUid, Data> data_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::string> properties_ ABSL_GUARDED_BY(mu_);
};

}  // namespace oxbow

#endif  // OXBOW_STORE_MEMORY_STORE_H_
