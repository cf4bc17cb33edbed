// What a text costs a model.
#ifndef OXBOW_TESTS_BENCH_STREAM_NATS_H_
#define OXBOW_TESTS_BENCH_STREAM_NATS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "engine/model/model.h"

namespace oxbow {

// The sum of -ln p over tokens[1], tokens[2], ..: each one's p after those
// before it, read as one stream from the empty state. ResourceExhausted if the
// model has no free slot.
absl::StatusOr<double> StreamNats(Model& model, const std::vector<int>& tokens);

}  // namespace oxbow

#endif  // OXBOW_TESTS_BENCH_STREAM_NATS_H_
