// Finding what a sweep of a RocksDB store may remove, and giving its space
// back.
#ifndef OXBOW_STORE_ROCKS_SWEEP_H_
#define OXBOW_STORE_ROCKS_SWEEP_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "store/records.h"
#include "store/rocks_db.h"
#include "store/sweep_plan.h"

namespace oxbow {

// All streams of one moment.
struct StreamSurvey {
  std::vector<StreamUid> expired;
  // Uids that streams not expired are, or name in their ancestry.
  std::set<StreamUid> reachable;
};
absl::StatusOr<StreamSurvey> SurveyStreams(RocksDb& db, absl::Time now);

// The uids that have data and no stream, but for those in `reachable`.
absl::StatusOr<std::vector<StreamUid>> UnownedBut(
    RocksDb& db, const std::set<StreamUid>& reachable);

// What a sweep would remove at `now`. Changes nothing.
absl::StatusOr<SweepPlan> PlanSweep(RocksDb& db, absl::Time now);

// The keys of requests whose time is over (request_retention.h).
absl::StatusOr<std::vector<std::string>> RequestKeysToDrop(RocksDb& db,
                                                           absl::Time now);

// A stretch of keys whose removal frees much of the disk.
struct LargeRange {
  Family family;
  KeyRange keys;
};

// Those among the data of these uids, before it is removed.
std::vector<LargeRange> LargeRangesOf(RocksDb& db,
                                      const std::vector<StreamUid>& uids);

// Rewrites the files that hold them, after removal, so that the disk gets its
// space back now and not at the next compaction that RocksDB has another
// reason for. A failure leaves the files for that one.
void GiveSpaceBack(RocksDb& db, const std::vector<LargeRange>& ranges);

}  // namespace oxbow

#endif  // OXBOW_STORE_ROCKS_SWEEP_H_
