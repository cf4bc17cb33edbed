#include "store/plan_sweep.h"

#include <memory>

#include "base/status_macros.h"
#include "store/open_rocks_db.h"
#include "store/rocks_sweep.h"

namespace oxbow {

absl::StatusOr<SweepPlan> PlanSweepOf(const RocksStoreOptions& options,
                                      absl::Time now) {
  ASSIGN_OR_RETURN(const std::unique_ptr<RocksDb> db,
                   OpenRocksDbToRead(options));
  return PlanSweep(*db, now);
}

}  // namespace oxbow
