// A stream's stored timeline, shared beginnings included.
#ifndef OXBOW_ENGINE_READ_TIMELINE_H_
#define OXBOW_ENGINE_READ_TIMELINE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "engine/log_view.h"
#include "store/records.h"
#include "store/stream_store.h"

namespace oxbow {

// Up to `limit` spans that begin at or after token `from_token`, in order.
// Of an ancestor, those that end so far before the fork that what follows it
// could not change their tokens (`longest_piece`). Blocks on the store.
absl::StatusOr<std::vector<EmbeddingRecord>> ReadTimeline(StreamStore& store,
                                                          const LogView& view,
                                                          int longest_piece,
                                                          uint64_t from_token,
                                                          size_t limit);

// The last of all of them; nullopt if there is none. Blocks on the store.
absl::StatusOr<absl::optional<EmbeddingRecord>> LastOfTimeline(
    StreamStore& store, const LogView& view, int longest_piece);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_READ_TIMELINE_H_
