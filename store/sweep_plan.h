// What a sweep would remove.
#ifndef OXBOW_STORE_SWEEP_PLAN_H_
#define OXBOW_STORE_SWEEP_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "store/records.h"

namespace oxbow {

struct SweepPlan {
  // Names of streams that have expired, by uid. Their names become free; their
  // data goes unless a fork reads it.
  std::vector<std::string> expired;
  // Uids whose data goes.
  std::vector<StreamUid> uids;
  // About what that data takes on disk.
  uint64_t bytes = 0;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_SWEEP_PLAN_H_
