#include "store/testing/faulty_store.h"

#include <utility>

namespace oxbow {

void FaultyStore::Fail(std::vector<absl::Status> next) {
  absl::MutexLock lock(&mu_);
  failures_.assign(next.begin(), next.end());
}

void FaultyStore::FailEmbedding(absl::Status status) {
  absl::MutexLock lock(&mu_);
  embedding_failure_ = std::move(status);
}

void FaultyStore::Hold() {
  absl::MutexLock lock(&mu_);
  held_ = true;
}

void FaultyStore::Release() {
  absl::MutexLock lock(&mu_);
  held_ = false;
}

void FaultyStore::AwaitHeld() {
  const auto waits = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return waiting_ > 0;
  };
  absl::MutexLock lock(&mu_, absl::Condition(&waits));
}

int FaultyStore::writes() const {
  absl::MutexLock lock(&mu_);
  return writes_;
}

int FaultyStore::synced_writes() const {
  absl::MutexLock lock(&mu_);
  return synced_writes_;
}

absl::Status FaultyStore::Write(const StoreBatch& batch, bool sync) {
  {
    absl::MutexLock lock(&mu_);
    ++waiting_;
    const auto released = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return !held_;
    };
    mu_.Await(absl::Condition(&released));
    --waiting_;
    if (!failures_.empty()) {
      const absl::Status status = std::move(failures_.front());
      failures_.pop_front();
      if (!status.ok()) return status;
    }
    if (!batch.put_embeddings.empty() && !embedding_failure_.ok()) {
      return std::exchange(embedding_failure_, absl::OkStatus());
    }
    ++writes_;
    if (sync) ++synced_writes_;
  }
  return store_->Write(batch, sync);
}

absl::StatusOr<StreamUid> FaultyStore::NewUid() { return store_->NewUid(); }

absl::StatusOr<StreamRecord> FaultyStore::FindStream(const std::string& tenant,
                                                     const std::string& name) {
  return store_->FindStream(tenant, name);
}

absl::StatusOr<std::vector<StreamRecord>> FaultyStore::ListStreams(
    const std::string& tenant, const std::string& after, int limit) {
  return store_->ListStreams(tenant, after, limit);
}

absl::Status FaultyStore::DeleteStream(StreamUid uid) {
  return store_->DeleteStream(uid);
}

absl::StatusOr<absl::optional<LogRecord>> FaultyStore::LastRecord(
    StreamUid uid) {
  return store_->LastRecord(uid);
}

absl::StatusOr<std::vector<LogRecord>> FaultyStore::ReadLog(
    StreamUid uid, uint64_t byte_offset,
    absl::optional<uint64_t> after_sequence, size_t bytes_max) {
  return store_->ReadLog(uid, byte_offset, after_sequence, bytes_max);
}

absl::StatusOr<std::vector<CheckpointHeader>> FaultyStore::ListCheckpoints(
    StreamUid uid, const std::string& reader) {
  return store_->ListCheckpoints(uid, reader);
}

absl::StatusOr<Checkpoint> FaultyStore::ReadCheckpoint(
    StreamUid uid, const std::string& reader, uint64_t token_offset) {
  return store_->ReadCheckpoint(uid, reader, token_offset);
}

absl::StatusOr<std::vector<EmbeddingRecord>> FaultyStore::ReadEmbeddings(
    StreamUid uid, uint64_t token_begin, int limit) {
  return store_->ReadEmbeddings(uid, token_begin, limit);
}

absl::StatusOr<absl::optional<EmbeddingRecord>> FaultyStore::LastEmbedding(
    StreamUid uid) {
  return store_->LastEmbedding(uid);
}

absl::StatusOr<std::vector<Beginning>> FaultyStore::FindBeginnings(
    const std::string& tenant, const std::string& reader, const Digest& mark,
    int limit) {
  return store_->FindBeginnings(tenant, reader, mark, limit);
}

absl::StatusOr<absl::optional<std::string>> FaultyStore::FindRequest(
    StreamUid uid, const std::string& request_id) {
  return store_->FindRequest(uid, request_id);
}

absl::StatusOr<absl::optional<std::string>> FaultyStore::GetProperty(
    const std::string& key) {
  return store_->GetProperty(key);
}

absl::Status FaultyStore::SetProperty(const std::string& key,
                                      const std::string& value) {
  return store_->SetProperty(key, value);
}

absl::StatusOr<int> FaultyStore::Sweep(absl::Time now) {
  return store_->Sweep(now);
}

}  // namespace oxbow
