// Which checkpoints a stream need not keep.
#ifndef OXBOW_STORE_RETENTION_H_
#define OXBOW_STORE_RETENTION_H_

#include <cstddef>
#include <vector>

#include "store/records.h"

namespace oxbow {

struct RetentionOptions {
  // The newest is what a stream goes on from; the one before is for when the
  // newest turns out to be damaged.
  size_t newest_kept = 2;
  // Checkpoints without a label, of one reader, that are kept. A state is
  // megabytes: 128 of 2.4 MB are 300 MB a stream.
  size_t checkpoints_max = 128;
};

// Of one reader's checkpoints in the order of their token offsets, those to
// delete. None while at most checkpoints_max of them have no savepoint.
//
// Else the tokens are cut into cells of a power of two, the smallest for which
// at most half of checkpoints_max cells hold one, and of each cell only the
// first stays. Savepoints and the newest stay besides.
//
// Promise: a replay to any point grows by less than one cell, and if the newest
// checkpoint is at token T, a cell is at most 4 T / (checkpoints_max - 2) + 1
// tokens (for a maximum of 4 and more): 3 % of the stream. A cell of a later
// call holds whole cells of an earlier one, so that this does not add up.
std::vector<CheckpointHeader> CheckpointsToDrop(
    const std::vector<CheckpointHeader>& headers,
    const RetentionOptions& options);

}  // namespace oxbow

#endif  // OXBOW_STORE_RETENTION_H_
