#include "store/rocks_view.h"

#include <utility>

#include "base/status_macros.h"
#include "store/keys.h"
#include "store/rocks_log.h"

namespace oxbow {

absl::StatusOr<absl::optional<StreamRecord>> ReadStream(
    RocksDb& db, StreamUid uid, const RocksSnapshot* snapshot) {
  const std::string key = StreamKey(uid);
  ASSIGN_OR_RETURN(absl::optional<std::string> value,
                   db.Get(Family::kMeta, key, snapshot));
  if (!value) return absl::optional<StreamRecord>();
  ASSIGN_OR_RETURN(StreamRecord stream, DecodeStream(key, *value));
  return absl::make_optional(std::move(stream));
}

absl::StatusOr<absl::optional<StreamUid>> ReadNameOwner(
    RocksDb& db, const std::string& tenant, const std::string& name,
    const RocksSnapshot* snapshot) {
  const std::string key = NameKey(tenant, name);
  ASSIGN_OR_RETURN(absl::optional<std::string> value,
                   db.Get(Family::kMeta, key, snapshot));
  if (!value) return absl::optional<StreamUid>();
  ASSIGN_OR_RETURN(const StreamUid uid, DecodeNameOwner(key, *value));
  return absl::make_optional(uid);
}

absl::StatusOr<absl::optional<StoredCheckpoint>> ReadCheckpointHeader(
    RocksDb& db, StreamUid uid, const std::string& reader,
    uint64_t token_offset, const RocksSnapshot* snapshot) {
  const std::string key = CheckpointKey(uid, reader, token_offset);
  ASSIGN_OR_RETURN(absl::optional<std::string> value,
                   db.Get(Family::kCheckpoint, key, snapshot));
  if (!value) return absl::optional<StoredCheckpoint>();
  ASSIGN_OR_RETURN(StoredCheckpoint stored, DecodeCheckpoint(key, *value));
  return absl::make_optional(std::move(stored));
}

absl::StatusOr<std::vector<std::string>> ReadBeginningKeys(RocksDb& db,
                                                           StreamUid uid) {
  RocksRange range = db.Range(Family::kMeta, BeginningsOf(uid));
  std::vector<std::string> keys;
  for (range.First(); range.Valid(); range.Next()) {
    ASSIGN_OR_RETURN(std::string key, DecodeOpaque(range.key(), range.value()));
    keys.push_back(std::move(key));
  }
  RETURN_IF_ERROR(range.status());
  return keys;
}

absl::StatusOr<absl::optional<std::string>> ReadOpaque(RocksDb& db,
                                                       const std::string& key) {
  ASSIGN_OR_RETURN(absl::optional<std::string> value,
                   db.Get(Family::kMeta, key));
  if (!value) return value;
  ASSIGN_OR_RETURN(std::string bytes, DecodeOpaque(key, *value));
  return absl::make_optional(std::move(bytes));
}

absl::StatusOr<absl::optional<StreamRecord>> RocksView::Stream(StreamUid uid) {
  return ReadStream(*db_, uid);
}

absl::StatusOr<absl::optional<StreamUid>> RocksView::NameOwner(
    const std::string& tenant, const std::string& name) {
  return ReadNameOwner(*db_, tenant, name);
}

absl::StatusOr<absl::optional<StoredCheckpoint>> RocksView::CheckpointAt(
    const CheckpointHeader& header) {
  return ReadCheckpointHeader(*db_, header.uid, header.reader,
                              header.token_offset);
}

absl::StatusOr<UidState> RocksView::Uid(StreamUid uid) {
  if (const UidState* known = uids_->Find(uid)) return *known;
  ASSIGN_OR_RETURN(UidState state, ReadUid(uid));
  uids_->Put(uid, state);
  return state;
}

absl::StatusOr<UidState> RocksView::ReadUid(StreamUid uid) {
  UidState state;
  ASSIGN_OR_RETURN(absl::optional<StreamRecord> stream, Stream(uid));
  if (stream) {
    state.owner = UidState::Owner::kStream;
    if (!stream->ancestry.empty()) {
      state.own_begin = stream->ancestry.back().end;
    }
  } else {
    const std::string key = UnownedKey(uid);
    ASSIGN_OR_RETURN(absl::optional<std::string> value,
                     db_->Get(Family::kMeta, key));
    if (!value) return state;
    ASSIGN_OR_RETURN(absl::optional<absl::Time> deleted,
                     DecodeUnowned(key, *value));
    state.owner =
        deleted ? UidState::Owner::kDeleted : UidState::Owner::kUnowned;
  }
  ASSIGN_OR_RETURN(absl::optional<LogRecord> last, LastLogRecord(*db_, uid));
  if (last) {
    state.log_end = LogEnd{last->sequence + 1, last->End(), last->chain};
  }
  return state;
}

}  // namespace oxbow
