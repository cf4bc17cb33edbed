// Opening a store's folder: whether it is one, whose it is, what it lost.
#ifndef OXBOW_STORE_OPEN_ROCKS_DB_H_
#define OXBOW_STORE_OPEN_ROCKS_DB_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/durable_mark.h"
#include "store/folder_lock.h"
#include "store/rocks_db.h"
#include "store/rocks_store.h"

namespace oxbow {

// The number of the format this release writes and reads.
constexpr int kStoreFormat = 1;

// A store open for writing.
struct OpenRocks {
  std::unique_ptr<FolderLock> lock;
  std::unique_ptr<DurableMark> mark;
  std::unique_ptr<RocksDb> db;  // goes first
};

// Opens, or makes; rocks_store.h has the errors.
absl::StatusOr<OpenRocks> OpenRocksDb(const RocksStoreOptions& options);

// Opens to look only: changes nothing, and may look at a store that is in
// use, as it was at this moment.
absl::StatusOr<std::unique_ptr<RocksDb>> OpenRocksDbToRead(
    const RocksStoreOptions& options);

// Makes a folder for a store that is copied here: notes the newest change that
// was acknowledged, and returns where RocksDB's files belong.
absl::StatusOr<std::string> MakeStoreFolder(const std::string& path,
                                            uint64_t acknowledged);

// What a store's folder holds besides its lock, each "/NAME", the data last.
std::vector<std::string> StoreFiles();

// Makes renames in the folder survive a power failure.
absl::Status SyncFolder(const std::string& path);

// The newest change that was acknowledged, as the store's folder says; 0: it
// does not.
uint64_t AcknowledgedChange(const RocksStoreOptions& options);

}  // namespace oxbow

#endif  // OXBOW_STORE_OPEN_ROCKS_DB_H_
