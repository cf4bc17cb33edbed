// Bringing a state to a point of a stream, past ones included.
#ifndef OXBOW_ENGINE_REACH_H_
#define OXBOW_ENGINE_REACH_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "engine/cursor.h"
#include "engine/engine_context.h"
#include "engine/live_stream.h"
#include "engine/reader.h"
#include "engine/requests.h"

namespace oxbow {

// A state of its own that stands at a point, as if the text ended there.
struct ReachedState {
  OwnedSlot slot;
  Point point;
};

struct ReachOptions {
  Reader* reader = nullptr;
  At at;
  // Sees the tokens behind `from_byte` on the way; must outlive `done`. Then
  // the way begins at or before that byte. Null: any way will do.
  TokenListener* listener = nullptr;
  uint64_t from_byte = 0;
  CancelFlag cancelled;
};

// Brings a new slot to a point: by a copy of the stream's own state if the
// point is the head, else from the nearest checkpoint at or before it. The
// stream itself never notices. Held by the caller, the stream must stay open
// until `done`.
void ReachState(const EngineContext* context,
                std::shared_ptr<LiveStream> stream, ReachOptions options,
                std::function<void(absl::StatusOr<ReachedState>)> done);

// Calls `done` with a cursor that stands at a point with the text still open:
// the state of a stream that ends there, undecided bytes included. The cursor
// is borrowed for the call.
void ReachOpenEnd(
    const EngineContext* context, std::shared_ptr<LiveStream> stream,
    ReachOptions options,
    std::function<void(absl::StatusOr<const Cursor*>, Position position)> done);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_REACH_H_
