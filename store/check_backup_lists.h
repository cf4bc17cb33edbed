// Damage of a folder of backups that RocksDB does not survive.
#ifndef OXBOW_STORE_CHECK_BACKUP_LISTS_H_
#define OXBOW_STORE_CHECK_BACKUP_LISTS_H_

#include <string>

#include "absl/status/status.h"

namespace oxbow {

// Each backup has a list of its files with their checksums, `meta/ID` in the
// folder, a line a file: "shared_checksum/NAME crc32 VALUE". Backups share
// files. Two lists that disagree about one stop the process in RocksDB 7.8, so
// they are compared before it reads them.
//
// DataLoss: two disagree, and which of them is damaged is not known; or one is
// too large to be a list. Other damage is left to RocksDB.
absl::Status CheckBackupLists(const std::string& folder);

}  // namespace oxbow

#endif  // OXBOW_STORE_CHECK_BACKUP_LISTS_H_
