#include "service/sweep_to_proto.h"

#include <algorithm>
#include <cstddef>

namespace oxbow {
namespace {

constexpr size_t kShownMax = 1000;

}  // namespace

v1::SweepResponse SweepToProto(const SweepPlan& plan) {
  v1::SweepResponse response;
  response.set_expired_streams(plan.expired.size());
  response.set_removed_uids(plan.uids.size());
  response.set_bytes(plan.bytes);
  for (size_t i = 0; i < std::min(plan.expired.size(), kShownMax); ++i) {
    response.add_expired_names(plan.expired[i]);
  }
  for (size_t i = 0; i < std::min(plan.uids.size(), kShownMax); ++i) {
    response.add_uids(plan.uids[i]);
  }
  return response;
}

}  // namespace oxbow
