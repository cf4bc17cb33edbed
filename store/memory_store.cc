#include "store/memory_store.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "store/log_page.h"
#include "store/request_retention.h"

namespace oxbow {

// MemoryStore as CheckBatch sees it. Lives while the lock is held.
class MemoryStore::View : public StoreView {
 public:
  explicit View(MemoryStore* store) : store_(store) {}

  absl::StatusOr<absl::optional<StreamRecord>> Stream(StreamUid uid) override
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto found = store_->streams_.find(uid);
    if (found == store_->streams_.end()) {
      return absl::optional<StreamRecord>();
    }
    return absl::make_optional(found->second);
  }

  absl::StatusOr<absl::optional<StreamUid>> NameOwner(
      const std::string& tenant,
      const std::string& name) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto found = store_->names_.find({tenant, name});
    if (found == store_->names_.end()) return absl::optional<StreamUid>();
    return absl::make_optional(found->second);
  }

  absl::StatusOr<UidState> Uid(StreamUid uid) override
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    UidState state;
    const auto data = store_->data_.find(uid);
    if (data != store_->data_.end()) {
      state.owner = data->second.deleted ? UidState::Owner::kDeleted
                                         : UidState::Owner::kUnowned;
      if (!data->second.log.empty()) {
        const LogRecord& last = data->second.log.back();
        state.log_end = LogEnd{last.sequence + 1, last.End(), last.chain};
      }
    }
    const auto stream = store_->streams_.find(uid);
    if (stream != store_->streams_.end()) {
      const std::vector<Segment>& ancestry = stream->second.ancestry;
      state.owner = UidState::Owner::kStream;
      state.own_begin = ancestry.empty() ? Position{} : ancestry.back().end;
    }
    return state;
  }

  absl::StatusOr<absl::optional<StoredCheckpoint>> CheckpointAt(
      const CheckpointHeader& header) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto& checkpoints = store_->Of(header.uid).checkpoints;
    const auto found = checkpoints.find({header.reader, header.token_offset});
    if (found == checkpoints.end()) return absl::optional<StoredCheckpoint>();
    return absl::make_optional(found->second.checkpoint);
  }

 private:
  MemoryStore* const store_;
};

MemoryStore::MemoryStore(const Clock* clock)
    : clock_(clock == nullptr ? &real_clock_ : clock) {}

const MemoryStore::Data& MemoryStore::Of(StreamUid uid) const {
  static const Data& none = *new Data();
  const auto found = data_.find(uid);
  return found == data_.end() ? none : found->second;
}

absl::StatusOr<StreamUid> MemoryStore::NewUid() {
  absl::MutexLock lock(&mu_);
  return next_uid_++;
}

absl::Status MemoryStore::Write(const StoreBatch& batch, bool sync) {
  const std::vector<Digest> digests = DigestStates(batch);
  absl::MutexLock lock(&mu_);
  View view(this);
  ASSIGN_OR_RETURN(const BatchEffects effects,
                   CheckBatch(batch, digests, view, clock_->Now()));
  Apply(batch, effects);
  return absl::OkStatus();
}

void MemoryStore::Retire(const StreamRecord& stream) {
  names_.erase({stream.tenant, stream.name});
  data_[stream.uid].deleted = true;
  streams_.erase(stream.uid);
}

void MemoryStore::Apply(const StoreBatch& batch, const BatchEffects& effects) {
  for (const StreamRecord& stream : effects.retired) Retire(stream);
  for (const StreamRecord& stream : effects.renamed) {
    names_.erase({stream.tenant, stream.name});
  }
  for (const StreamRecord& stream : batch.put_streams) {
    streams_[stream.uid] = stream;
    names_[{stream.tenant, stream.name}] = stream.uid;
  }
  for (const StoreBatch::Append& append : batch.appends) {
    data_[append.uid].log.push_back(append.record);
  }
  for (size_t i = 0; i < effects.checkpoints.size(); ++i) {
    const StoredCheckpoint& checkpoint = effects.checkpoints[i];
    const CheckpointHeader& header = checkpoint.header;
    Stored& stored =
        data_[header.uid].checkpoints[{header.reader, header.token_offset}];
    stored.checkpoint = checkpoint;
    if (i < batch.put_checkpoints.size()) {
      stored.state = batch.put_checkpoints[i].state;
    }
  }
  for (const CheckpointHeader& header : batch.delete_checkpoints) {
    const auto data = data_.find(header.uid);
    if (data == data_.end()) continue;
    data->second.checkpoints.erase({header.reader, header.token_offset});
  }
  for (const StoreBatch::Embedding& embedding : batch.put_embeddings) {
    data_[embedding.uid].embeddings[embedding.record.token_begin] =
        embedding.record;
  }
  for (const StoreBatch::Request& request : batch.put_requests) {
    data_[request.uid].requests[request.request_id] = request;
  }
  for (const Beginning& beginning : batch.put_beginnings) {
    data_[beginning.uid]
        .beginnings[{beginning.tenant, beginning.reader, beginning.mark}] =
        beginning;
  }
}

absl::StatusOr<StreamRecord> MemoryStore::FindStream(const std::string& tenant,
                                                     const std::string& name) {
  absl::MutexLock lock(&mu_);
  const auto owner = names_.find({tenant, name});
  if (owner == names_.end() ||
      streams_.at(owner->second).expires <= clock_->Now()) {
    return absl::NotFoundError(
        absl::StrCat("There is no stream \"", name, "\"."));
  }
  return streams_.at(owner->second);
}

absl::StatusOr<std::vector<StreamRecord>> MemoryStore::ListStreams(
    const std::string& tenant, const std::string& after, int limit) {
  absl::MutexLock lock(&mu_);
  std::vector<StreamRecord> streams;
  auto name = after.empty() ? names_.lower_bound({tenant, ""})
                            : names_.upper_bound({tenant, after});
  for (; name != names_.end() && name->first.first == tenant &&
         static_cast<int>(streams.size()) < limit;
       ++name) {
    const StreamRecord& stream = streams_.at(name->second);
    if (stream.expires > clock_->Now()) streams.push_back(stream);
  }
  return streams;
}

absl::Status MemoryStore::DeleteStream(StreamUid uid) {
  absl::MutexLock lock(&mu_);
  const auto stream = streams_.find(uid);
  if (stream == streams_.end()) {
    return absl::NotFoundError(
        absl::StrCat("There is no stream of uid ", uid, "."));
  }
  Retire(StreamRecord(stream->second));
  return absl::OkStatus();
}

absl::StatusOr<absl::optional<LogRecord>> MemoryStore::LastRecord(
    StreamUid uid) {
  absl::MutexLock lock(&mu_);
  const std::vector<LogRecord>& log = Of(uid).log;
  if (log.empty()) return absl::optional<LogRecord>();
  return absl::make_optional(log.back());
}

absl::StatusOr<std::vector<LogRecord>> MemoryStore::ReadLog(
    StreamUid uid, uint64_t byte_offset,
    absl::optional<uint64_t> after_sequence, size_t bytes_max) {
  absl::MutexLock lock(&mu_);
  const std::vector<LogRecord>& log = Of(uid).log;
  size_t first = 0;
  if (after_sequence) {
    first = std::min<uint64_t>(log.size(), *after_sequence + 1);
  } else {
    while (first + 1 < log.size() &&
           log[first + 1].begin.byte_offset < byte_offset) {
      ++first;
    }
  }
  LogPage page(bytes_max);
  for (size_t i = first; i < log.size() && !page.full(); ++i) {
    RETURN_IF_ERROR(page.Add(log[i]));
  }
  return page.TakeRecords();
}

absl::StatusOr<std::vector<CheckpointHeader>> MemoryStore::ListCheckpoints(
    StreamUid uid, const std::string& reader) {
  absl::MutexLock lock(&mu_);
  std::vector<CheckpointHeader> headers;
  const auto& checkpoints = Of(uid).checkpoints;
  for (auto it = checkpoints.lower_bound({reader, 0});
       it != checkpoints.end() && it->first.first == reader; ++it) {
    headers.push_back(it->second.checkpoint.header);
  }
  return headers;
}

absl::StatusOr<Checkpoint> MemoryStore::ReadCheckpoint(
    StreamUid uid, const std::string& reader, uint64_t token_offset) {
  absl::MutexLock lock(&mu_);
  const auto& checkpoints = Of(uid).checkpoints;
  const auto found = checkpoints.find({reader, token_offset});
  if (found == checkpoints.end()) {
    return absl::NotFoundError(absl::StrCat("Uid ", uid, " has no checkpoint (",
                                            reader, ") at token ", token_offset,
                                            "."));
  }
  return Checkpoint{found->second.checkpoint.header, found->second.state};
}

absl::StatusOr<std::vector<EmbeddingRecord>> MemoryStore::ReadEmbeddings(
    StreamUid uid, uint64_t token_begin, int limit) {
  absl::MutexLock lock(&mu_);
  std::vector<EmbeddingRecord> embeddings;
  const auto& all = Of(uid).embeddings;
  for (auto it = all.lower_bound(token_begin);
       it != all.end() && static_cast<int>(embeddings.size()) < limit; ++it) {
    embeddings.push_back(it->second);
  }
  return embeddings;
}

absl::StatusOr<absl::optional<EmbeddingRecord>> MemoryStore::LastEmbedding(
    StreamUid uid) {
  absl::MutexLock lock(&mu_);
  const auto& all = Of(uid).embeddings;
  if (all.empty()) return absl::optional<EmbeddingRecord>();
  return absl::make_optional(all.rbegin()->second);
}

absl::StatusOr<std::vector<Beginning>> MemoryStore::FindBeginnings(
    const std::string& tenant, const std::string& reader, const Digest& mark,
    int limit) {
  absl::MutexLock lock(&mu_);
  std::vector<Beginning> found;
  for (auto data = data_.rbegin();
       data != data_.rend() && static_cast<int>(found.size()) < limit; ++data) {
    const auto it = data->second.beginnings.find({tenant, reader, mark});
    if (it != data->second.beginnings.end()) found.push_back(it->second);
  }
  return found;
}

absl::StatusOr<absl::optional<std::string>> MemoryStore::FindRequest(
    StreamUid uid, const std::string& request_id) {
  absl::MutexLock lock(&mu_);
  const auto& requests = Of(uid).requests;
  const auto found = requests.find(request_id);
  if (found == requests.end()) return absl::optional<std::string>();
  return absl::make_optional(found->second.result);
}

absl::StatusOr<absl::optional<std::string>> MemoryStore::GetProperty(
    const std::string& key) {
  absl::MutexLock lock(&mu_);
  const auto found = properties_.find(key);
  if (found == properties_.end()) return absl::optional<std::string>();
  return absl::make_optional(found->second);
}

absl::Status MemoryStore::SetProperty(const std::string& key,
                                      const std::string& value) {
  absl::MutexLock lock(&mu_);
  properties_[key] = value;
  return absl::OkStatus();
}

void MemoryStore::DropRequests(absl::Time now, Data* data) {
  std::vector<TimedRequest> requests;
  for (const auto& request : data->requests) {
    if (!request.second.made.has_value()) continue;
    requests.push_back(
        {request.first, *request.second.made, request.second.result.size()});
  }
  for (const std::string& id :
       RequestsToDrop(std::move(requests), now, RequestRetention())) {
    data->requests.erase(id);
  }
}

absl::StatusOr<int> MemoryStore::Sweep(absl::Time now) {
  absl::MutexLock lock(&mu_);
  std::vector<StreamRecord> expired;
  for (const auto& stream : streams_) {
    if (stream.second.expires <= now) expired.push_back(stream.second);
  }
  for (const StreamRecord& stream : expired) Retire(stream);
  std::set<StreamUid> reachable;
  for (const auto& stream : streams_) {
    reachable.insert(stream.first);
    for (const Segment& segment : stream.second.ancestry) {
      reachable.insert(segment.uid);
    }
  }
  int removed = 0;
  for (auto it = data_.begin(); it != data_.end();) {
    const bool keep = reachable.count(it->first) > 0;
    if (!keep) ++removed;
    it = keep ? std::next(it) : data_.erase(it);
  }
  for (auto& data : data_) DropRequests(now, &data.second);
  return removed;
}

}  // namespace oxbow
