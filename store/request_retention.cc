#include "store/request_retention.h"

#include <algorithm>
#include <utility>

namespace oxbow {

std::vector<std::string> RequestsToDrop(std::vector<TimedRequest> requests,
                                        absl::Time now,
                                        const RequestRetention& retention) {
  std::sort(requests.begin(), requests.end(),
            [](const TimedRequest& a, const TimedRequest& b) {
              return a.made > b.made;
            });
  std::vector<std::string> drop;
  size_t kept = 0;
  size_t bytes = 0;
  for (TimedRequest& request : requests) {
    bytes += request.bytes;
    const bool too_many = kept >= retention.requests_max ||
                          (kept > 0 && bytes > retention.bytes_max);
    if (too_many || now - request.made >= retention.kept_for) {
      drop.push_back(std::move(request.id));
    } else {
      ++kept;
    }
  }
  return drop;
}

}  // namespace oxbow
