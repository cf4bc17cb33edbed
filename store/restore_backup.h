// A backup made a store again.
#ifndef OXBOW_STORE_RESTORE_BACKUP_H_
#define OXBOW_STORE_RESTORE_BACKUP_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "store/backup_folder.h"
#include "store/verify_store.h"

namespace oxbow {

struct RestoreOptions {
  std::string backups;          // the folder of backups
  absl::optional<uint32_t> id;  // nullopt: the newest
  std::string store;            // a new or empty folder
  std::function<void(const VerifyProgress&)> on_progress;  // of verifying
};

struct RestoredStore {
  BackupInfo backup;
  VerifyReport report;
};

// Copies the backup's files, comparing checksums, into the folder `restoring`
// of the store's, verifies what stands there, and only then makes it the
// store: if the report has findings, and after a crash, the store's folder
// holds `restoring`, which no server opens. The store is held to what was
// acknowledged when the backup began.
//
// NotFound: no such folder or backup. FailedPrecondition: the store's folder
// holds something. DataLoss: a file of the backup is damaged, or, if no id is
// given, the newest backup is none any more; an older one is not taken unasked.
// ResourceExhausted: the disk is full.
absl::StatusOr<RestoredStore> RestoreBackup(const RestoreOptions& options);

}  // namespace oxbow

#endif  // OXBOW_STORE_RESTORE_BACKUP_H_
