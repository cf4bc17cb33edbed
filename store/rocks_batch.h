// Changes of a store as one RocksDB batch.
#ifndef OXBOW_STORE_ROCKS_BATCH_H_
#define OXBOW_STORE_ROCKS_BATCH_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "rocksdb/write_batch.h"
#include "store/check_batch.h"
#include "store/keys.h"
#include "store/rocks_db.h"
#include "store/stream_store.h"

namespace oxbow {

// Collects changes that are written together. Thread-compatible. Borrows the
// database, only for its families.
class RocksBatch {
 public:
  explicit RocksBatch(const RocksDb* db);

  void Put(Family family, absl::string_view key, absl::string_view value);
  void Delete(Family family, absl::string_view key);
  void DeleteRange(Family family, const KeyRange& range);

  // All that a checked batch says and means. `now` is when what it retires
  // is deleted.
  void AddAll(const StoreBatch& batch, const BatchEffects& effects,
              absl::Time now);
  // The stream's name is free; its uid waits for the sweep.
  void Retire(const StreamRecord& stream, absl::Time now);

  rocksdb::WriteBatch* raw() { return &batch_; }

 private:
  void Add(const Beginning& beginning);
  void AddOwners(const BatchEffects& effects);
  void AddStreams(const StoreBatch& batch, const BatchEffects& effects,
                  absl::Time now);
  void AddCheckpoints(const StoreBatch& batch, const BatchEffects& effects);

  const RocksDb* const db_;
  rocksdb::WriteBatch batch_;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_ROCKS_BATCH_H_
