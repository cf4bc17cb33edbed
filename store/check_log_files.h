// Damage of RocksDB's logs that RocksDB passes over.
#ifndef OXBOW_STORE_CHECK_LOG_FILES_H_
#define OXBOW_STORE_CHECK_LOG_FILES_H_

#include <string>

#include "absl/status/status.h"

namespace oxbow {

// Looks at the logs of changes and of files (NUMBER.log, MANIFEST-NUMBER) in a
// database's folder. Both are blocks of 32 KiB of records, each behind a header
// of seven bytes: CRC (4), length (2, little-endian), type
// (github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format). A header of
// zeros is how RocksDB knows a place where nothing was written yet: it goes on
// behind the block without a word. So a block that a disk gives back as zeros,
// and that begins where a record does, takes what was acknowledged with it.
//
// DataLoss: zeros where a record should begin, and something behind them. Any
// other damage is left to RocksDB, which notices it. Errors of reading, too.
absl::Status CheckLogFiles(const std::string& folder);

// The same of one file.
absl::Status CheckLogFile(const std::string& path);

}  // namespace oxbow

#endif  // OXBOW_STORE_CHECK_LOG_FILES_H_
