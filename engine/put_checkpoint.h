// Storing a checkpoint, and dropping those that retention lets go.
#ifndef OXBOW_ENGINE_PUT_CHECKPOINT_H_
#define OXBOW_ENGINE_PUT_CHECKPOINT_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "store/records.h"
#include "store/stream_store.h"

namespace oxbow {

// Stores the checkpoint. Savepoints of one already stored at the same token
// are kept. AlreadyExists/LABEL_EXISTS: the stream has a savepoint of that
// label elsewhere. With savepoints the write is synced; an ordinary
// checkpoint that a crash loses costs only a longer replay. `replaced`: the
// token of one that is dropped besides, if it has no savepoint. `beginnings`
// are written with it. Blocks on the store.
absl::Status PutCheckpointAndTrim(
    StreamStore& store, Checkpoint checkpoint, int checkpoints_max,
    absl::optional<uint64_t> replaced = absl::nullopt,
    std::vector<Beginning> beginnings = {});

// Removes a savepoint's label; its checkpoint becomes an ordinary one.
// NotFound/NO_SAVEPOINT. Blocks on the store.
absl::Status RemoveSavepoint(StreamStore& store, StreamUid uid,
                             const std::string& label);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_PUT_CHECKPOINT_H_
