// A store on disk, with what its operator asks of it besides.
#ifndef OXBOW_STORE_DISK_STORE_H_
#define OXBOW_STORE_DISK_STORE_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "store/backup_folder.h"
#include "store/stream_store.h"
#include "store/sweep_plan.h"

namespace oxbow {

// Thread-safe, as StreamStore.
class DiskStore : public StreamStore {
 public:
  // Adds a backup of the store as it is, while it is in use: everything that
  // was acknowledged before the call is in it, and of what is written
  // meanwhile a beginning. One at a time a folder. Errors as BackupFolder::Add.
  virtual absl::StatusOr<BackupInfo> BackUp(BackupFolder* folder) = 0;

  // What Sweep(now) would remove, but for what is written meanwhile.
  virtual absl::StatusOr<SweepPlan> PlanSweep(absl::Time now) = 0;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_DISK_STORE_H_
