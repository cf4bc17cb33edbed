// Holding stored checkpoints against what their logs give.
#ifndef OXBOW_ENGINE_REPLAY_SAMPLE_H_
#define OXBOW_ENGINE_REPLAY_SAMPLE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/replay_checkpoint.h"
#include "store/stream_store.h"

namespace oxbow {

struct ReplaySampleOptions {
  std::string tenant = "default";
  int count = 0;      // checkpoints to replay, at most
  uint64_t seed = 0;  // which ones
  // Called before each, with how many are done; may be empty.
  std::function<void(int done, int total)> on_progress;
};

struct ReplayReport {
  int replayed = 0;
  // Made with another rounding: equal bits were never promised.
  int other_numerics = 0;
  // A sentence each: which stream, which checkpoint.
  std::vector<std::string> findings;
};

// Replays a sample of the generator's checkpoints of all streams, and compares
// states, tokens and places, bit for bit. FailedPrecondition: a stream's states
// were made by another model than the replay's.
absl::StatusOr<ReplayReport> ReplaySample(StreamStore& store,
                                          const ReplaySampleOptions& options,
                                          CheckpointReplay* replay);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_REPLAY_SAMPLE_H_
