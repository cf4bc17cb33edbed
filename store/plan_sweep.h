// What a sweep would remove, seen from outside.
#ifndef OXBOW_STORE_PLAN_SWEEP_H_
#define OXBOW_STORE_PLAN_SWEEP_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "store/rocks_store.h"
#include "store/sweep_plan.h"

namespace oxbow {

// What a sweep of the store would remove at `now`. Only looks: the store may
// be in use, and then a file that goes meanwhile is DataLoss; ask the server
// instead. Errors as OpenRocksStore.
absl::StatusOr<SweepPlan> PlanSweepOf(const RocksStoreOptions& options,
                                      absl::Time now);

}  // namespace oxbow

#endif  // OXBOW_STORE_PLAN_SWEEP_H_
