// A folder of backups of one store: made under load, listed, restored.
#ifndef OXBOW_STORE_BACKUP_FOLDER_H_
#define OXBOW_STORE_BACKUP_FOLDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "store/folder_lock.h"

namespace rocksdb {
class BackupEngine;
class DB;
class Env;
class FileSystem;
}  // namespace rocksdb

namespace oxbow {

struct BackupInfo {
  uint32_t id = 0;  // rises; never given twice in a folder
  absl::Time made;  // when it was finished, to the second
  // Of its files. Backups share what did not change, so they add up to more
  // than the folder.
  uint64_t bytes = 0;
  // The newest change of the store that was acknowledged when it began: all
  // up to there is in it.
  uint64_t change = 0;
};

// Backups by RocksDB's BackupEngine: what a backup needs and an earlier one
// has is not copied again. One process at a time has the folder open.
// Thread-compatible but for Stop.
class BackupFolder {
 public:
  // Opens the folder, or makes it. FailedPrecondition: another process has it
  // open, or it holds something else. DataLoss: two lists of files disagree.
  // Else the system's errors.
  //
  // `file_system` is where it reads and writes; nullptr: the machine's disk.
  // Tests put faults there.
  static absl::StatusOr<std::unique_ptr<BackupFolder>> Open(
      const std::string& path,
      std::shared_ptr<rocksdb::FileSystem> file_system = nullptr);
  ~BackupFolder();

  // Adds a backup of the open database, which may be written to meanwhile.
  // `acknowledged` is the newest change that was acknowledged. Once this
  // returns OK the backup survives a crash; a crash before leaves none, and
  // its files go with the next Add.
  //
  // Cancelled: stopped. ResourceExhausted: the disk of the folder is full.
  // DataLoss: a file of the store or of the folder cannot be read or written.
  absl::StatusOr<BackupInfo> Add(rocksdb::DB* db, uint64_t acknowledged);
  // Ends the Add that runs now. Any thread.
  void Stop();

  // Whole backups, by id.
  std::vector<BackupInfo> List() const;
  // Removes all but the newest `count`, which is at least 1.
  absl::Status KeepNewest(uint32_t count);

 private:
  BackupFolder(std::string path, std::unique_ptr<FolderLock> lock,
               std::unique_ptr<rocksdb::Env> env,
               std::unique_ptr<rocksdb::BackupEngine> engine);

  const std::string path_;
  const std::unique_ptr<FolderLock> lock_;
  const std::unique_ptr<rocksdb::Env> env_;  // null: the machine's
  const std::unique_ptr<rocksdb::BackupEngine> engine_;
};

// Whole backups of a folder, by id; looks only, a backup may be being made.
// NotFound: there is no such folder.
absl::StatusOr<std::vector<BackupInfo>> ListBackups(const std::string& path);

}  // namespace oxbow

#endif  // OXBOW_STORE_BACKUP_FOLDER_H_
