// A chunk that lies before the end of a log, held against what is there.
#ifndef OXBOW_ENGINE_COMPARE_CHUNK_H_
#define OXBOW_ENGINE_COMPARE_CHUNK_H_

#include "absl/status/statusor.h"
#include "engine/log_view.h"
#include "engine/requests.h"
#include "engine/tokenizer/tokenizer.h"
#include "store/stream_store.h"

namespace oxbow {

// The rest of the chunk past `durable`, empty if there is none, placed there.
// AlreadyExists/CHUNK_CONFLICT: the log holds other bytes or another kind of
// record where the chunk says it belongs. Blocks on the store.
absl::StatusOr<AppendChunk> CompareChunk(StreamStore& store,
                                         const Tokenizer& tokenizer,
                                         const LogView& view, Position durable,
                                         AppendChunk chunk);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_COMPARE_CHUNK_H_
