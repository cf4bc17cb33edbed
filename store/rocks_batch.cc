#include "store/rocks_batch.h"

#include "base/check.h"
#include "store/encode_records.h"

namespace oxbow {
namespace {

// A batch in memory can only fail by our misuse.
void CheckOk(const rocksdb::Status& status) {
  OXBOW_CHECK(status.ok()) << status.ToString();
}

std::string KeyOf(const CheckpointHeader& header) {
  return CheckpointKey(header.uid, header.reader, header.token_offset);
}

}  // namespace

// 8: a checksum for each key and value, from here to the memtable.
RocksBatch::RocksBatch(const RocksDb* db)
    : db_(db),
      batch_(/*reserved_bytes=*/0, /*max_bytes=*/0,
             /*protection_bytes_per_key=*/8, /*default_cf_ts_sz=*/0) {}

void RocksBatch::Put(Family family, absl::string_view key,
                     absl::string_view value) {
  CheckOk(batch_.Put(db_->handle(family), ToSlice(key), ToSlice(value)));
}

void RocksBatch::Delete(Family family, absl::string_view key) {
  CheckOk(batch_.Delete(db_->handle(family), ToSlice(key)));
}

void RocksBatch::DeleteRange(Family family, const KeyRange& range) {
  CheckOk(batch_.DeleteRange(db_->handle(family), range.begin, range.end));
}

void RocksBatch::Retire(const StreamRecord& stream, absl::Time now) {
  Delete(Family::kMeta, StreamKey(stream.uid));
  Delete(Family::kMeta, NameKey(stream.tenant, stream.name));
  const std::string unowned = UnownedKey(stream.uid);
  Put(Family::kMeta, unowned, EncodeUnowned(unowned, now));
}

void RocksBatch::AddOwners(const BatchEffects& effects) {
  for (const auto& entry : effects.after) {
    const UidState::Owner before = effects.before.at(entry.first).owner;
    const UidState::Owner after = entry.second.owner;
    const std::string unowned = UnownedKey(entry.first);
    if (before == UidState::Owner::kNone &&
        after == UidState::Owner::kUnowned) {
      Put(Family::kMeta, unowned, EncodeUnowned(unowned, absl::nullopt));
    }
    if (before == UidState::Owner::kUnowned &&
        after == UidState::Owner::kStream) {
      Delete(Family::kMeta, unowned);
    }
  }
}

void RocksBatch::AddStreams(const StoreBatch& batch,
                            const BatchEffects& effects, absl::Time now) {
  for (const StreamRecord& stream : effects.retired) Retire(stream, now);
  for (const StreamRecord& stream : effects.renamed) {
    Delete(Family::kMeta, NameKey(stream.tenant, stream.name));
  }
  for (const StreamRecord& stream : batch.put_streams) {
    const std::string key = StreamKey(stream.uid);
    Put(Family::kMeta, key, EncodeStream(key, stream));
    const std::string name = NameKey(stream.tenant, stream.name);
    Put(Family::kMeta, name, EncodeNameOwner(name, stream.uid));
  }
}

void RocksBatch::AddCheckpoints(const StoreBatch& batch,
                                const BatchEffects& effects) {
  for (size_t i = 0; i < effects.checkpoints.size(); ++i) {
    const std::string key = KeyOf(effects.checkpoints[i].header);
    Put(Family::kCheckpoint, key,
        EncodeCheckpoint(key, effects.checkpoints[i]));
    if (i < batch.put_checkpoints.size()) {
      Put(Family::kState, key, batch.put_checkpoints[i].state);
    }
  }
  for (const CheckpointHeader& header : batch.delete_checkpoints) {
    Delete(Family::kCheckpoint, KeyOf(header));
    Delete(Family::kState, KeyOf(header));
  }
}

void RocksBatch::Add(const Beginning& beginning) {
  const std::string key = BeginningKey(beginning.tenant, beginning.reader,
                                       beginning.mark, beginning.uid);
  Put(Family::kMeta, key, EncodeBeginning(key, beginning.token_offset));
  const std::string own = OwnBeginningKey(beginning.uid, key);
  Put(Family::kMeta, own, EncodeOpaque(own, key));
}

void RocksBatch::AddAll(const StoreBatch& batch, const BatchEffects& effects,
                        absl::Time now) {
  AddOwners(effects);
  AddStreams(batch, effects, now);
  for (const StoreBatch::Append& append : batch.appends) {
    const LogRecord& record = append.record;
    const std::string key =
        LogKey(append.uid, record.begin.byte_offset, record.sequence);
    Put(Family::kLog, key, EncodeLogRecord(key, record));
  }
  AddCheckpoints(batch, effects);
  for (const StoreBatch::Embedding& embedding : batch.put_embeddings) {
    const std::string key =
        EmbeddingKey(embedding.uid, embedding.record.token_begin);
    Put(Family::kEmbedding, key, EncodeEmbedding(key, embedding.record));
  }
  for (const StoreBatch::Request& request : batch.put_requests) {
    const std::string key = RequestKey(request.uid, request.request_id);
    Put(Family::kMeta, key, EncodeRequest(key, request.result, request.made));
  }
  for (const Beginning& beginning : batch.put_beginnings) Add(beginning);
}

}  // namespace oxbow
