// Reading one uid's log in RocksDB.
#ifndef OXBOW_STORE_ROCKS_LOG_H_
#define OXBOW_STORE_ROCKS_LOG_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "store/records.h"
#include "store/rocks_db.h"

namespace oxbow {

// StreamStore::LastRecord.
absl::StatusOr<absl::optional<LogRecord>> LastLogRecord(RocksDb& db,
                                                        StreamUid uid);

// StreamStore::ReadLog. With `after_sequence`, `byte_offset` tells where the
// record behind it is expected; a wrong one costs a search.
absl::StatusOr<std::vector<LogRecord>> ReadLogPage(
    RocksDb& db, StreamUid uid, uint64_t byte_offset,
    absl::optional<uint64_t> after_sequence, size_t bytes_max);

}  // namespace oxbow

#endif  // OXBOW_STORE_ROCKS_LOG_H_
