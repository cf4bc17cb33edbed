// RocksDB's errors in our words.
#ifndef OXBOW_STORE_ROCKS_STATUS_H_
#define OXBOW_STORE_ROCKS_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rocksdb/status.h"

namespace oxbow {

// The disk, a quota or a limit is full; more space mends it.
bool IsDiskFull(const rocksdb::Status& status);

// ResourceExhausted when the disk is full, PermissionDenied when the system
// forbids it, Unimplemented for what this RocksDB cannot do, else DataLoss:
// bytes that are wrong or cannot be had. `doing` begins the sentence: "Reading
// the log of stream 7".
absl::Status FromRocks(const rocksdb::Status& status, absl::string_view doing);

}  // namespace oxbow

#endif  // OXBOW_STORE_ROCKS_STATUS_H_
