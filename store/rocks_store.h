// The store on disk: RocksDB, embedded.
#ifndef OXBOW_STORE_ROCKS_STORE_H_
#define OXBOW_STORE_ROCKS_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "store/disk_store.h"

namespace rocksdb {
class FileSystem;
}

namespace oxbow {

struct RocksStoreOptions {
  // A folder of the store's own; it may be missing or empty at first.
  std::string path;
  bool create_if_missing = true;
  // Tells what has expired. Borrowed; nullptr is the machine's clock.
  const Clock* clock = nullptr;

  // Bytes of the folder from which on writes that add are refused, so that
  // a neighbour on the disk is not starved. 0: as many as the disk has.
  uint64_t bytes_max = 0;
  // Bytes that stay free on the disk, for deletions and for the rewriting
  // that gives space back. Below, writes that add are refused.
  uint64_t free_bytes_min = 64 << 20;

  // Blocks read from disk and kept. Replay reads a log once and in order, so
  // more helps little.
  size_t block_cache_bytes = 8 << 20;
  // All memtables together: what a burst of checkpoints may hold in memory.
  // Kept small, so that a long stream costs no more memory than a short one: a
  // flush of 8 MiB writes as fast a byte as one of 64.
  size_t memtable_bytes_max = 16 << 20;
  // Of the log of changes that is replayed at start-up: about a second.
  uint64_t wal_bytes_max = 128 << 20;
  // Files RocksDB keeps open.
  int open_files_max = 256;
  // Streams whose log's end is remembered, so that an append reads nothing.
  size_t uids_remembered_max = 100000;

  // Where RocksDB reads and writes; nullptr: the machine's disk. Tests put
  // faults here.
  std::shared_ptr<rocksdb::FileSystem> file_system;
};

// Opens the store, or makes it. One process at a time has it open.
//
// NotFound: there is none, and create_if_missing is false.
// FailedPrecondition: another process has it open; the folder holds something
// else; a later release's format (nothing was touched). PermissionDenied.
// ResourceExhausted: the disk is full. DataLoss: it is damaged, or writes it
// had acknowledged are missing.
absl::StatusOr<std::unique_ptr<DiskStore>> OpenRocksStore(
    const RocksStoreOptions& options);

}  // namespace oxbow

#endif  // OXBOW_STORE_ROCKS_STORE_H_
