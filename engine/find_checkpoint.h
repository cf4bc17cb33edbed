// The nearest stored state from which a point can be reached.
#ifndef OXBOW_ENGINE_FIND_CHECKPOINT_H_
#define OXBOW_ENGINE_FIND_CHECKPOINT_H_

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "engine/log_view.h"
#include "engine/reader.h"
#include "store/records.h"
#include "store/stream_store.h"

namespace oxbow {

// How the bytes before a point are tokenized.
enum class PointEnd {
  kClosed,  // as if the text ended there: embeddings, continuations
  kOpen,    // more text may follow: undecided bytes stay undecided
};

struct FindCheckpointOptions {
  std::string reader;
  Digest model_id{};
  std::string layout_id;
  // A state of other rounding is not what this reader's log gives; one that
  // was imported is what the user wants to go on from.
  std::string numerics_id;
  // Whether `tokens` records and seams are this reader's own.
  bool reads_ids = true;
  // Of the reader's tokenizer.
  int longest_piece = 1;
  int closed_tail = 0;
  Position target;
  PointEnd end = PointEnd::kClosed;
  // The target is the head: the stream's own checkpoints are all before it,
  // and what they hold is decided for good.
  bool target_is_head = false;
  // The checkpoint must not lie behind these.
  uint64_t token_offset_max = std::numeric_limits<uint64_t>::max();
  uint64_t byte_offset_max = std::numeric_limits<uint64_t>::max();
};

// Of checkpoints that this reader, or one like it, wrote.
FindCheckpointOptions CheckpointsOf(const Reader& reader);

// Headers of every checkpoint, own and shared, that may be used, nearest
// first. A token that ends at E is the same in every text that shares the
// bytes up to the point if the point is closed and E lies at least the closed
// tail before it; else only if the longest piece that begins before E ends
// before the texts part. Blocks on the store.
absl::StatusOr<std::vector<CheckpointHeader>> UsableCheckpoints(
    StreamStore& store, const LogView& view,
    const FindCheckpointOptions& options);

// The nearest of them whose state is whole; a damaged one is passed over for
// an older one. nullopt: begin at the view's beginning. DataLoss: an imported
// stream without the state it began with. Blocks on the store.
absl::StatusOr<absl::optional<Checkpoint>> FindCheckpoint(
    StreamStore& store, const LogView& view,
    const FindCheckpointOptions& options);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_FIND_CHECKPOINT_H_
