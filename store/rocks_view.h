// A RocksDB store as CheckBatch sees it.
#ifndef OXBOW_STORE_ROCKS_VIEW_H_
#define OXBOW_STORE_ROCKS_VIEW_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "store/check_batch.h"
#include "store/rocks_db.h"
#include "store/uid_cache.h"

namespace oxbow {

// One thread only. Borrows both.
class RocksView : public StoreView {
 public:
  RocksView(RocksDb* db, UidCache* uids) : db_(db), uids_(uids) {}

  absl::StatusOr<absl::optional<StreamRecord>> Stream(StreamUid uid) override;
  absl::StatusOr<absl::optional<StreamUid>> NameOwner(
      const std::string& tenant, const std::string& name) override;
  absl::StatusOr<UidState> Uid(StreamUid uid) override;
  absl::StatusOr<absl::optional<StoredCheckpoint>> CheckpointAt(
      const CheckpointHeader& header) override;

 private:
  absl::StatusOr<UidState> ReadUid(StreamUid uid);

  RocksDb* const db_;
  UidCache* const uids_;
};

// The stored record of a uid; nullopt: no stream has it.
absl::StatusOr<absl::optional<StreamRecord>> ReadStream(
    RocksDb& db, StreamUid uid, const RocksSnapshot* snapshot = nullptr);

// The uid a name leads to, expired or not; nullopt: none.
absl::StatusOr<absl::optional<StreamUid>> ReadNameOwner(
    RocksDb& db, const std::string& tenant, const std::string& name,
    const RocksSnapshot* snapshot = nullptr);

// A checkpoint's header; nullopt: it is not stored.
absl::StatusOr<absl::optional<StoredCheckpoint>> ReadCheckpointHeader(
    RocksDb& db, StreamUid uid, const std::string& reader,
    uint64_t token_offset, const RocksSnapshot* snapshot = nullptr);

// The keys of all beginnings a uid has.
absl::StatusOr<std::vector<std::string>> ReadBeginningKeys(RocksDb& db,
                                                           StreamUid uid);

// The bytes of a request's or property's key in `meta`; nullopt: none.
absl::StatusOr<absl::optional<std::string>> ReadOpaque(RocksDb& db,
                                                       const std::string& key);

}  // namespace oxbow

#endif  // OXBOW_STORE_ROCKS_VIEW_H_
