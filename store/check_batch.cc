#include "store/check_batch.h"

#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

// Flat ancestry costs a key-value's size in every write of the record.
constexpr size_t kSegmentsMax = 1000;

// One batch being checked. What it already said counts as if it were stored.
class BatchCheck {
 public:
  BatchCheck(StoreView& view, absl::Time now) : view_(view), now_(now) {}

  absl::Status PutStream(const StreamRecord& stream);
  absl::Status Append(StreamUid uid, const LogRecord& record);
  absl::Status PutCheckpoint(const CheckpointHeader& header,
                             uint64_t state_bytes, const Digest& state_sha256);
  absl::Status PutHeader(const CheckpointHeader& header);
  // Marks the uid unowned if nothing is stored of it.
  absl::Status Touch(StreamUid uid);

  BatchEffects TakeEffects() { return std::move(effects_); }

 private:
  using CheckpointAt = std::tuple<StreamUid, std::string, uint64_t>;

  absl::StatusOr<UidState*> Uid(StreamUid uid);
  absl::StatusOr<absl::optional<StreamRecord>> Stream(StreamUid uid);
  absl::StatusOr<absl::optional<StoredCheckpoint>> Stored(
      const CheckpointHeader& header);
  absl::Status TakeName(const StreamRecord& stream);
  absl::Status CheckAncestry(const StreamRecord& stream);
  void Remember(StoredCheckpoint checkpoint);

  StoreView& view_;
  const absl::Time now_;
  std::map<StreamUid, StreamRecord> streams_;
  std::map<std::pair<std::string, std::string>, StreamUid> names_;
  std::map<CheckpointAt, StoredCheckpoint> checkpoints_;
  BatchEffects effects_;
};

std::string Quoted(const StreamRecord& stream) {
  return absl::StrCat("\"", stream.name, "\"");
}

absl::StatusOr<UidState*> BatchCheck::Uid(StreamUid uid) {
  OXBOW_CHECK(uid != 0) << "uid 0 names no stream";
  const auto known = effects_.after.find(uid);
  if (known != effects_.after.end()) return &known->second;
  ASSIGN_OR_RETURN(UidState state, view_.Uid(uid));
  effects_.before[uid] = state;
  return &(effects_.after[uid] = state);
}

absl::StatusOr<absl::optional<StreamRecord>> BatchCheck::Stream(StreamUid uid) {
  const auto known = streams_.find(uid);
  if (known != streams_.end()) return absl::make_optional(known->second);
  return view_.Stream(uid);
}

absl::Status BatchCheck::TakeName(const StreamRecord& stream) {
  const auto name = std::make_pair(stream.tenant, stream.name);
  absl::optional<StreamUid> owner;
  const auto known = names_.find(name);
  if (known != names_.end()) {
    owner = known->second;
  } else {
    ASSIGN_OR_RETURN(owner, view_.NameOwner(stream.tenant, stream.name));
  }
  names_[name] = stream.uid;
  if (!owner || *owner == stream.uid) return absl::OkStatus();
  ASSIGN_OR_RETURN(absl::optional<StreamRecord> other, Stream(*owner));
  if (!other) {
    return absl::DataLossError(absl::StrCat("The name ", Quoted(stream),
                                            " leads to a stream that is not "
                                            "stored."));
  }
  if (other->tenant != stream.tenant || other->name != stream.name) {
    return absl::OkStatus();  // Renamed by this very batch.
  }
  if (other->expires > now_ || streams_.count(*owner) > 0) {
    return absl::AlreadyExistsError(
        absl::StrCat("There is a stream ", Quoted(stream), " already."));
  }
  ASSIGN_OR_RETURN(UidState * state, Uid(*owner));
  state->owner = UidState::Owner::kDeleted;
  effects_.retired.push_back(*std::move(other));
  return absl::OkStatus();
}

absl::Status BatchCheck::CheckAncestry(const StreamRecord& stream) {
  if (stream.ancestry.size() > kSegmentsMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "The stream ", Quoted(stream), " has ", stream.ancestry.size(),
        " ancestors; at most ", kSegmentsMax, " are kept."));
  }
  for (const Segment& segment : stream.ancestry) {
    if (segment.end == Position{}) continue;  // Nothing is shared.
    ASSIGN_OR_RETURN(UidState * ancestor, Uid(segment.uid));
    if (ancestor->owner == UidState::Owner::kNone) {
      return absl::FailedPreconditionError(
          absl::StrCat("The stream ", Quoted(stream), " shares the log of uid ",
                       segment.uid, ", which was removed."));
    }
  }
  return absl::OkStatus();
}

absl::Status BatchCheck::PutStream(const StreamRecord& stream) {
  ASSIGN_OR_RETURN(UidState * state, Uid(stream.uid));
  if (state->owner == UidState::Owner::kDeleted) {
    return absl::FailedPreconditionError(
        absl::StrCat("The stream ", Quoted(stream), " was deleted."));
  }
  ASSIGN_OR_RETURN(absl::optional<StreamRecord> before, Stream(stream.uid));
  if (!before) RETURN_IF_ERROR(CheckAncestry(stream));
  if (before &&
      (before->tenant != stream.tenant || before->name != stream.name)) {
    effects_.renamed.push_back(*before);
  }
  RETURN_IF_ERROR(TakeName(stream));
  state->owner = UidState::Owner::kStream;
  state->own_begin =
      stream.ancestry.empty() ? Position{} : stream.ancestry.back().end;
  streams_[stream.uid] = stream;
  return absl::OkStatus();
}

absl::Status BatchCheck::Append(StreamUid uid, const LogRecord& record) {
  RETURN_IF_ERROR(Touch(uid));
  ASSIGN_OR_RETURN(UidState * state, Uid(uid));
  LogEnd end;
  if (state->log_end) {
    end = *state->log_end;
  } else if (state->owner == UidState::Owner::kStream) {
    end.position = state->own_begin;
  } else {
    end.position = record.begin;  // Nothing says where it ought to begin.
  }
  if (record.sequence != end.next_sequence || record.begin != end.position) {
    return absl::FailedPreconditionError(absl::StrCat(
        "An append to uid ", uid, " at byte ", record.begin.byte_offset, "+",
        record.begin.zero_byte_tokens, " with sequence ", record.sequence,
        " does not continue its log, which expects byte ",
        end.position.byte_offset, "+", end.position.zero_byte_tokens,
        " and sequence ", end.next_sequence, "."));
  }
  if (record.chain != ChainDigest(end.chain, record)) {
    return absl::FailedPreconditionError(
        absl::StrCat("An append to uid ", uid, " with sequence ",
                     record.sequence, " breaks its log's chain of digests."));
  }
  if (record.kind == LogRecord::Kind::kText &&
      record.byte_length != record.text.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("An append to uid ", uid, " has ", record.text.size(),
                     " bytes of text and says ", record.byte_length, "."));
  }
  state->log_end = {record.sequence + 1, record.End(), record.chain};
  return absl::OkStatus();
}

absl::StatusOr<absl::optional<StoredCheckpoint>> BatchCheck::Stored(
    const CheckpointHeader& header) {
  const auto known = checkpoints_.find(
      CheckpointAt{header.uid, header.reader, header.token_offset});
  if (known != checkpoints_.end()) return absl::make_optional(known->second);
  return view_.CheckpointAt(header);
}

void BatchCheck::Remember(StoredCheckpoint checkpoint) {
  const CheckpointHeader& header = checkpoint.header;
  checkpoints_[{header.uid, header.reader, header.token_offset}] = checkpoint;
  effects_.checkpoints.push_back(std::move(checkpoint));
}

absl::Status BatchCheck::PutCheckpoint(const CheckpointHeader& header,
                                       uint64_t state_bytes,
                                       const Digest& state_sha256) {
  RETURN_IF_ERROR(Touch(header.uid));
  ASSIGN_OR_RETURN(absl::optional<StoredCheckpoint> before, Stored(header));
  StoredCheckpoint stored{header, state_sha256, state_bytes};
  if (before) {
    for (Savepoint& old : before->header.savepoints) {
      bool replaced = false;
      for (const Savepoint& savepoint : header.savepoints) {
        if (savepoint.label == old.label) replaced = true;
      }
      if (!replaced) stored.header.savepoints.push_back(std::move(old));
    }
  }
  Remember(std::move(stored));
  return absl::OkStatus();
}

absl::Status BatchCheck::PutHeader(const CheckpointHeader& header) {
  ASSIGN_OR_RETURN(absl::optional<StoredCheckpoint> stored, Stored(header));
  if (!stored) {
    return absl::FailedPreconditionError(absl::StrCat(
        "The checkpoint of uid ", header.uid, " (", header.reader,
        ") at token ", header.token_offset, " is not stored (any more)."));
  }
  stored->header.savepoints = header.savepoints;
  Remember(*std::move(stored));
  return absl::OkStatus();
}

absl::Status BatchCheck::Touch(StreamUid uid) {
  ASSIGN_OR_RETURN(UidState * state, Uid(uid));
  if (state->owner == UidState::Owner::kNone) {
    state->owner = UidState::Owner::kUnowned;
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Digest> DigestStates(const StoreBatch& batch) {
  std::vector<Digest> digests;
  for (const Checkpoint& checkpoint : batch.put_checkpoints) {
    digests.push_back(Sha256(checkpoint.state));
  }
  return digests;
}

absl::StatusOr<BatchEffects> CheckBatch(
    const StoreBatch& batch, const std::vector<Digest>& state_digests,
    StoreView& view, absl::Time now) {
  OXBOW_CHECK(state_digests.size() == batch.put_checkpoints.size());
  BatchCheck check(view, now);
  for (const StreamRecord& stream : batch.put_streams) {
    RETURN_IF_ERROR(check.PutStream(stream));
  }
  for (const StoreBatch::Append& append : batch.appends) {
    RETURN_IF_ERROR(check.Append(append.uid, append.record));
  }
  for (size_t i = 0; i < batch.put_checkpoints.size(); ++i) {
    const Checkpoint& checkpoint = batch.put_checkpoints[i];
    RETURN_IF_ERROR(check.PutCheckpoint(
        checkpoint.header, checkpoint.state.size(), state_digests[i]));
  }
  for (const CheckpointHeader& header : batch.put_checkpoint_headers) {
    RETURN_IF_ERROR(check.PutHeader(header));
  }
  for (const StoreBatch::Embedding& embedding : batch.put_embeddings) {
    RETURN_IF_ERROR(check.Touch(embedding.uid));
  }
  for (const StoreBatch::Request& request : batch.put_requests) {
    RETURN_IF_ERROR(check.Touch(request.uid));
  }
  for (const Beginning& beginning : batch.put_beginnings) {
    RETURN_IF_ERROR(check.Touch(beginning.uid));
  }
  return check.TakeEffects();
}

}  // namespace oxbow
