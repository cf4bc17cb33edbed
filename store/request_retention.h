// Which requests of a stream are forgotten.
#ifndef OXBOW_STORE_REQUEST_RETENTION_H_
#define OXBOW_STORE_REQUEST_RETENTION_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace oxbow {

// A stream keeps the newest of its requests, as many as these three allow, but
// always the newest one. A client that asks again because a connection broke
// does so within seconds; a day is for people.
struct RequestRetention {
  absl::Duration kept_for = absl::Hours(24);
  size_t requests_max = 1000;
  // A long prompt with many long branches is megabytes.
  size_t bytes_max = 64 << 20;
};

struct TimedRequest {
  std::string id;
  absl::Time made;
  size_t bytes = 0;
};

// The ids of those of one stream that go at `now`.
std::vector<std::string> RequestsToDrop(std::vector<TimedRequest> requests,
                                        absl::Time now,
                                        const RequestRetention& retention);

}  // namespace oxbow

#endif  // OXBOW_STORE_REQUEST_RETENTION_H_
