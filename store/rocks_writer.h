// Writing to RocksDB so that an acknowledgement can be believed.
#ifndef OXBOW_STORE_ROCKS_WRITER_H_
#define OXBOW_STORE_ROCKS_WRITER_H_

#include "absl/status/status.h"
#include "store/durable_mark.h"
#include "store/rocks_batch.h"
#include "store/rocks_db.h"

namespace oxbow {

// Thread-compatible. Borrows both.
class RocksWriter {
 public:
  RocksWriter(RocksDb* db, DurableMark* mark) : db_(db), mark_(mark) {}

  // Writes the batch, whole or not at all. ResourceExhausted: the disk is
  // full, nothing changed; the next call tries to go on. DataLoss: a write or
  // a sync failed, or a full disk had no room for a new log of changes, now or
  // before; whether this batch will be there after the next start is unknown.
  absl::Status Commit(RocksBatch* batch, bool sync);

  // Whether all writes so far were written, or refused before.
  bool healthy() const { return failed_.ok() && !full_; }
  // Whether the last write met a full disk. To go on writes to the disk, so
  // call Commit only when there is room again: a disk that fills up once more
  // leaves a log of changes that no longer looks torn but damaged.
  bool full() const { return full_; }

 private:
  absl::Status Remember(const rocksdb::Status& status);
  rocksdb::Status PrepareToResume();
  absl::Status Resume();

  RocksDb* const db_;
  DurableMark* const mark_;
  bool full_ = false;
  absl::Status failed_;  // never left again
};

}  // namespace oxbow

#endif  // OXBOW_STORE_ROCKS_WRITER_H_
