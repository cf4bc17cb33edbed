// What a sweep removes, as the API tells it.
#ifndef OXBOW_SERVICE_SWEEP_TO_PROTO_H_
#define OXBOW_SERVICE_SWEEP_TO_PROTO_H_

#include "oxbow/v1/admin.pb.h"
#include "store/plan_sweep.h"

namespace oxbow {

// All counts, and at most the first 1,000 names and uids.
v1::SweepResponse SweepToProto(const SweepPlan& plan);

}  // namespace oxbow

#endif  // OXBOW_SERVICE_SWEEP_TO_PROTO_H_
