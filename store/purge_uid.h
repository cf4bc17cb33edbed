// Removing all data of a uid, key by key.
#ifndef OXBOW_STORE_PURGE_UID_H_
#define OXBOW_STORE_PURGE_UID_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "store/records.h"
#include "store/rocks_batch.h"
#include "store/rocks_db.h"

namespace oxbow {

// Adds the removal of a uid's data to the batch, of at most *keys_left keys,
// which are taken from that. True: of all of it, and of the mark that it is
// unowned; false: call again once this batch is written. What is left in
// between is whole: a log without its end.
//
// Not by ranges: RocksDB 7.8 stops the process when the disk fails or is full
// while it flushes or compacts one (docs/decisions/0051-keys-not-ranges.md). A
// range whose keys cannot be read is removed as one nevertheless.
absl::StatusOr<bool> PurgeUid(RocksDb& db, StreamUid uid, size_t* keys_left,
                              RocksBatch* batch);

}  // namespace oxbow

#endif  // OXBOW_STORE_PURGE_UID_H_
