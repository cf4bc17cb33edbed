#include "store/rocks_store.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/check.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "store/check_batch.h"
#include "store/disk_space.h"
#include "store/encode_records.h"
#include "store/keys.h"
#include "store/open_rocks_db.h"
#include "store/purge_uid.h"
#include "store/rocks_batch.h"
#include "store/rocks_log.h"
#include "store/rocks_sweep.h"
#include "store/rocks_view.h"
#include "store/rocks_writer.h"
#include "store/uid_cache.h"

namespace oxbow {
namespace {

// Uids reserved by one synced write; a crash skips what is left of them.
constexpr StreamUid kUidBlock = 1000;
// Keys a sweep removes in one write, while others wait.
constexpr size_t kPurgeKeysMax = 10000;

// Reads need no lock: RocksDB gives each a state of one moment. Writes are
// checked against what is stored, so one at a time is checked and written.
class RocksStore : public DiskStore {
 public:
  RocksStore(const RocksStoreOptions& options, OpenRocks opened,
             StreamUid next_uid);
  ~RocksStore() override;

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
  absl::StatusOr<BackupInfo> BackUp(BackupFolder* folder) override;
  absl::StatusOr<SweepPlan> PlanSweep(absl::Time now) override {
    return oxbow::PlanSweep(*db_, now);
  }

 private:
  absl::Status Commit(RocksBatch* batch, bool sync)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status RetireExpired(StreamUid uid, absl::Time now);
  // The uids without a stream that no stream's ancestry names. Adds what
  // expired at `now` to them.
  absl::StatusOr<std::vector<StreamUid>> FindUnreachable(absl::Time now);
  absl::Status DropRequests(absl::Time now);
  // Removes uids from the `next`th on, but those that streams have come to need
  // meanwhile, as far as one write goes, and counts them.
  absl::Status PurgeSome(const std::vector<StreamUid>& uids, size_t* next,
                         int* removed);
  // FailedPrecondition: it shares what is being removed.
  absl::Status CheckParents(const StreamRecord& stream) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  RealClock real_clock_;
  const Clock* const clock_;
  OpenRocks opened_;
  RocksDb* const db_;

  absl::Mutex sweep_mu_ ABSL_ACQUIRED_BEFORE(mu_);  // one sweep at a time
  absl::Mutex mu_;
  RocksWriter writer_ ABSL_GUARDED_BY(mu_);
  DiskSpace space_ ABSL_GUARDED_BY(mu_);
  UidCache uids_ ABSL_GUARDED_BY(mu_);
  StreamUid next_uid_ ABSL_GUARDED_BY(mu_);
  StreamUid uid_limit_ ABSL_GUARDED_BY(mu_);  // reserved on disk up to here
  // While a sweep runs: uids that streams put since then are or name.
  bool sweeping_ ABSL_GUARDED_BY(mu_) = false;
  std::set<StreamUid> put_while_sweeping_ ABSL_GUARDED_BY(mu_);
  // Uids some of whose data a sweep has removed; the next goes on with those
  // that it could not finish.
  std::set<StreamUid> partly_purged_ ABSL_GUARDED_BY(mu_);
};

RocksStore::RocksStore(const RocksStoreOptions& options, OpenRocks opened,
                       StreamUid next_uid)
    : clock_(options.clock == nullptr ? &real_clock_ : options.clock),
      opened_(std::move(opened)),
      db_(opened_.db.get()),
      writer_(db_, opened_.mark.get()),
      space_({options.path, options.bytes_max, options.free_bytes_min}),
      uids_(options.uids_remembered_max),
      next_uid_(next_uid),
      uid_limit_(next_uid) {}

// Moves everything from memory into files with checksums of their own, so
// that the next start replays nothing.
RocksStore::~RocksStore() {
  absl::MutexLock lock(&mu_);
  if (!writer_.healthy()) return;
  for (int i = 0; i < kFamilies; ++i) {
    db_->raw()
        .Flush(rocksdb::FlushOptions(), db_->handle(static_cast<Family>(i)))
        .PermitUncheckedError();  // What is not flushed is replayed.
  }
}

absl::Status RocksStore::Commit(RocksBatch* batch, bool sync) {
  if (writer_.full()) RETURN_IF_ERROR(space_.CheckFree(0));
  return writer_.Commit(batch, sync);
}

absl::StatusOr<StreamUid> RocksStore::NewUid() {
  absl::MutexLock lock(&mu_);
  if (next_uid_ == uid_limit_) {
    RocksBatch batch(db_);
    batch.Put(Family::kMeta, UidLimitKey(),
              EncodeUidLimit(UidLimitKey(), uid_limit_ + kUidBlock));
    RETURN_IF_ERROR(Commit(&batch, /*sync=*/true));
    uid_limit_ += kUidBlock;
  }
  return next_uid_++;
}

absl::Status RocksStore::Write(const StoreBatch& batch, bool sync) {
  const std::vector<Digest> digests = DigestStates(batch);
  const absl::Time now = clock_->Now();
  absl::MutexLock lock(&mu_);
  if (batch.Adds()) RETURN_IF_ERROR(space_.Admit(batch.ByteSize()));
  for (const StreamRecord& stream : batch.put_streams) {
    RETURN_IF_ERROR(CheckParents(stream));
  }
  RocksView view(db_, &uids_);
  ASSIGN_OR_RETURN(const BatchEffects effects,
                   CheckBatch(batch, digests, view, now));
  RocksBatch changes(db_);
  changes.AddAll(batch, effects, now);
  RETURN_IF_ERROR(Commit(&changes, sync));
  for (const auto& uid : effects.after) uids_.Put(uid.first, uid.second);
  if (sweeping_) {
    for (const StreamRecord& stream : batch.put_streams) {
      put_while_sweeping_.insert(stream.uid);
      for (const Segment& segment : stream.ancestry) {
        put_while_sweeping_.insert(segment.uid);
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<StreamRecord> RocksStore::FindStream(const std::string& tenant,
                                                    const std::string& name) {
  const RocksSnapshot snapshot = db_->Snapshot();
  ASSIGN_OR_RETURN(absl::optional<StreamUid> uid,
                   ReadNameOwner(*db_, tenant, name, &snapshot));
  absl::optional<StreamRecord> stream;
  if (uid) {
    ASSIGN_OR_RETURN(stream, ReadStream(*db_, *uid, &snapshot));
    if (!stream) {
      return absl::DataLossError(absl::StrCat(
          "The name \"", name, "\" leads to a stream that is not stored."));
    }
  }
  if (!stream || stream->expires <= clock_->Now()) {
    return absl::NotFoundError(
        absl::StrCat("There is no stream \"", name, "\"."));
  }
  return *std::move(stream);
}

absl::StatusOr<std::vector<StreamRecord>> RocksStore::ListStreams(
    const std::string& tenant, const std::string& after, int limit) {
  const absl::Time now = clock_->Now();
  const RocksSnapshot snapshot = db_->Snapshot();
  RocksRange names =
      db_->Range(Family::kMeta, NamesAfter(tenant, after), &snapshot);
  std::vector<StreamRecord> streams;
  for (names.First(); names.Valid() && static_cast<int>(streams.size()) < limit;
       names.Next()) {
    ASSIGN_OR_RETURN(const StreamUid uid,
                     DecodeNameOwner(names.key(), names.value()));
    ASSIGN_OR_RETURN(absl::optional<StreamRecord> stream,
                     ReadStream(*db_, uid, &snapshot));
    if (!stream) {
      return absl::DataLossError(absl::StrCat("A name leads to the uid ", uid,
                                              ", which is no stream."));
    }
    if (stream->expires > now) streams.push_back(*std::move(stream));
  }
  RETURN_IF_ERROR(names.status());
  return streams;
}

absl::Status RocksStore::DeleteStream(StreamUid uid) {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(absl::optional<StreamRecord> stream, ReadStream(*db_, uid));
  if (!stream) {
    return absl::NotFoundError(
        absl::StrCat("There is no stream of uid ", uid, "."));
  }
  RocksBatch batch(db_);
  batch.Retire(*stream, clock_->Now());
  RETURN_IF_ERROR(Commit(&batch, /*sync=*/true));
  uids_.Forget(uid);
  return absl::OkStatus();
}

absl::StatusOr<absl::optional<LogRecord>> RocksStore::LastRecord(
    StreamUid uid) {
  return LastLogRecord(*db_, uid);
}

absl::StatusOr<std::vector<LogRecord>> RocksStore::ReadLog(
    StreamUid uid, uint64_t byte_offset,
    absl::optional<uint64_t> after_sequence, size_t bytes_max) {
  return ReadLogPage(*db_, uid, byte_offset, after_sequence, bytes_max);
}

absl::StatusOr<std::vector<CheckpointHeader>> RocksStore::ListCheckpoints(
    StreamUid uid, const std::string& reader) {
  RocksRange range =
      db_->Range(Family::kCheckpoint, CheckpointsOf(uid, reader));
  std::vector<CheckpointHeader> headers;
  for (range.First(); range.Valid(); range.Next()) {
    ASSIGN_OR_RETURN(StoredCheckpoint stored,
                     DecodeCheckpoint(range.key(), range.value()));
    headers.push_back(std::move(stored.header));
  }
  RETURN_IF_ERROR(range.status());
  return headers;
}

absl::StatusOr<Checkpoint> RocksStore::ReadCheckpoint(StreamUid uid,
                                                      const std::string& reader,
                                                      uint64_t token_offset) {
  const std::string name = absl::StrCat("checkpoint (", reader, ") of uid ",
                                        uid, " at token ", token_offset);
  const RocksSnapshot snapshot = db_->Snapshot();
  ASSIGN_OR_RETURN(
      absl::optional<StoredCheckpoint> stored,
      ReadCheckpointHeader(*db_, uid, reader, token_offset, &snapshot));
  if (!stored) return absl::NotFoundError(absl::StrCat("No ", name, "."));
  ASSIGN_OR_RETURN(
      absl::optional<std::string> state,
      db_->Get(Family::kState, CheckpointKey(uid, reader, token_offset),
               &snapshot));
  if (!state || state->size() != stored->state_bytes ||
      Sha256(*state) != stored->state_sha256) {
    return absl::DataLossError(
        absl::StrCat("The state of the ", name, " fails its digest."));
  }
  return Checkpoint{std::move(stored->header), *std::move(state)};
}

absl::StatusOr<std::vector<EmbeddingRecord>> RocksStore::ReadEmbeddings(
    StreamUid uid, uint64_t token_begin, int limit) {
  RocksRange range = db_->Range(
      Family::kEmbedding, {EmbeddingKey(uid, token_begin), AllOf(uid).end});
  std::vector<EmbeddingRecord> embeddings;
  for (range.First();
       range.Valid() && static_cast<int>(embeddings.size()) < limit;
       range.Next()) {
    ASSIGN_OR_RETURN(EmbeddingRecord embedding,
                     DecodeEmbedding(range.key(), range.value()));
    embeddings.push_back(std::move(embedding));
  }
  RETURN_IF_ERROR(range.status());
  return embeddings;
}

absl::StatusOr<absl::optional<EmbeddingRecord>> RocksStore::LastEmbedding(
    StreamUid uid) {
  RocksRange range = db_->Range(Family::kEmbedding, AllOf(uid));
  range.Last();
  RETURN_IF_ERROR(range.status());
  if (!range.Valid()) return absl::optional<EmbeddingRecord>();
  ASSIGN_OR_RETURN(EmbeddingRecord embedding,
                   DecodeEmbedding(range.key(), range.value()));
  return absl::make_optional(std::move(embedding));
}

absl::StatusOr<std::vector<Beginning>> RocksStore::FindBeginnings(
    const std::string& tenant, const std::string& reader, const Digest& mark,
    int limit) {
  RocksRange range =
      db_->Range(Family::kMeta, BeginningsLike(tenant, reader, mark));
  std::vector<Beginning> found;
  for (range.Last(); range.Valid() && static_cast<int>(found.size()) < limit;
       range.Previous()) {
    Beginning beginning{0, tenant, reader, mark, 0};
    ASSIGN_OR_RETURN(beginning.uid, UidOfBeginningKey(range.key()));
    ASSIGN_OR_RETURN(beginning.token_offset,
                     DecodeBeginning(range.key(), range.value()));
    found.push_back(std::move(beginning));
  }
  RETURN_IF_ERROR(range.status());
  return found;
}

absl::StatusOr<absl::optional<std::string>> RocksStore::FindRequest(
    StreamUid uid, const std::string& request_id) {
  return ReadOpaque(*db_, RequestKey(uid, request_id));
}

absl::StatusOr<absl::optional<std::string>> RocksStore::GetProperty(
    const std::string& key) {
  return ReadOpaque(*db_, PropertyKey(key));
}

absl::Status RocksStore::SetProperty(const std::string& key,
                                     const std::string& value) {
  absl::MutexLock lock(&mu_);
  RocksBatch batch(db_);
  batch.Put(Family::kMeta, PropertyKey(key),
            EncodeOpaque(PropertyKey(key), value));
  return Commit(&batch, /*sync=*/true);
}

absl::Status RocksStore::RetireExpired(StreamUid uid, absl::Time now) {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(absl::optional<StreamRecord> stream, ReadStream(*db_, uid));
  if (!stream || stream->expires > now) return absl::OkStatus();
  RocksBatch batch(db_);
  batch.Retire(*stream, now);
  RETURN_IF_ERROR(Commit(&batch, /*sync=*/false));
  uids_.Forget(uid);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<StreamUid>> RocksStore::FindUnreachable(
    absl::Time now) {
  ASSIGN_OR_RETURN(const StreamSurvey survey, SurveyStreams(*db_, now));
  for (StreamUid uid : survey.expired) {
    RETURN_IF_ERROR(RetireExpired(uid, now));
  }
  return UnownedBut(*db_, survey.reachable);
}

absl::Status RocksStore::PurgeSome(const std::vector<StreamUid>& uids,
                                   size_t* next, int* removed) {
  absl::MutexLock lock(&mu_);
  RocksBatch batch(db_);
  size_t keys_left = kPurgeKeysMax;
  while (keys_left > 0 && *next < uids.size()) {
    const StreamUid uid = uids[*next];
    if (put_while_sweeping_.count(uid) == 0) {
      ASSIGN_OR_RETURN(const bool all, PurgeUid(*db_, uid, &keys_left, &batch));
      uids_.Forget(uid);
      if (!all) {
        partly_purged_.insert(uid);
        break;
      }
      partly_purged_.erase(uid);
      ++*removed;
    }
    ++*next;
  }
  return Commit(&batch, /*sync=*/true);
}

absl::Status RocksStore::CheckParents(const StreamRecord& stream) const {
  for (const Segment& segment : stream.ancestry) {
    if (partly_purged_.count(segment.uid) == 0) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("The stream \"", stream.name, "\" shares the log of uid ",
                     segment.uid, ", which is being removed."));
  }
  return absl::OkStatus();
}

absl::Status RocksStore::DropRequests(absl::Time now) {
  ASSIGN_OR_RETURN(const std::vector<std::string> keys,
                   RequestKeysToDrop(*db_, now));
  if (keys.empty()) return absl::OkStatus();
  RocksBatch batch(db_);
  for (const std::string& key : keys) batch.Delete(Family::kMeta, key);
  absl::MutexLock lock(&mu_);
  return Commit(&batch, /*sync=*/false);
}

absl::StatusOr<int> RocksStore::Sweep(absl::Time now) {
  absl::MutexLock one_at_a_time(&sweep_mu_);
  {
    absl::MutexLock lock(&mu_);
    sweeping_ = true;  // Before the look at the streams, so none is missed.
    put_while_sweeping_.clear();
  }
  absl::StatusOr<std::vector<StreamUid>> uids = FindUnreachable(now);
  absl::Status status = uids.status();
  std::vector<LargeRange> large;
  if (uids.ok()) large = LargeRangesOf(*db_, *uids);
  int removed = 0;
  for (size_t next = 0; status.ok() && next < uids->size();) {
    status = PurgeSome(*uids, &next, &removed);
  }
  if (status.ok()) status = DropRequests(now);
  {
    absl::MutexLock lock(&mu_);
    sweeping_ = false;
  }
  GiveSpaceBack(*db_, large);
  if (!status.ok()) return status;
  return removed;
}

absl::StatusOr<BackupInfo> RocksStore::BackUp(BackupFolder* folder) {
  mu_.Lock();
  const uint64_t acknowledged = opened_.mark->change();
  mu_.Unlock();
  return folder->Add(&db_->raw(), acknowledged);
}

}  // namespace

absl::StatusOr<std::unique_ptr<DiskStore>> OpenRocksStore(
    const RocksStoreOptions& options) {
  ASSIGN_OR_RETURN(OpenRocks opened, OpenRocksDb(options));
  ASSIGN_OR_RETURN(absl::optional<std::string> limit,
                   opened.db->Get(Family::kMeta, UidLimitKey()));
  StreamUid next_uid = 1;
  if (limit) {
    ASSIGN_OR_RETURN(next_uid, DecodeUidLimit(UidLimitKey(), *limit));
  }
  return std::unique_ptr<DiskStore>(
      new RocksStore(options, std::move(opened), next_uid));
}

}  // namespace oxbow
