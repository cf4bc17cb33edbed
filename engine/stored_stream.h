// A stream as it lies in the store, about to be opened.
#ifndef OXBOW_ENGINE_STORED_STREAM_H_
#define OXBOW_ENGINE_STORED_STREAM_H_

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "engine/engine_context.h"
#include "engine/log_view.h"
#include "engine/reader.h"
#include "engine/requests.h"
#include "store/records.h"

namespace oxbow {

// What the store knows of a stream that is about to be opened; its states come
// later, once there are slots for them.
struct StoredStream {
  struct PerReader {  // of its newest usable checkpoint; zero if there is none
    Position newest;
    uint64_t token_offset = 0;
  };
  StreamRecord record;
  absl::optional<LogRecord> last;  // of the stream's own log
  PerReader generator;
  PerReader embedder;
};

// Blocks on the store. NotFound/NO_STREAM; FailedPrecondition/MODEL_MISMATCH.
absl::StatusOr<StoredStream> LoadStream(const EngineContext& context,
                                        const StreamName& name);

// Where a reader of a stream goes on.
struct StoredState {
  absl::optional<Checkpoint> checkpoint;  // nullopt: at the beginning
  absl::optional<EmbeddingRecord> last_embedding;
  // The state is the one asked for, and the embedding was not looked for.
  bool is_at_token = false;
};

// The nearest state at or before `target`, which is not behind the stream's
// head. For who makes the stream's timeline it lies at or before the open span,
// too, unless it is the one at `at_token`. Blocks on the store.
absl::StatusOr<StoredState> LoadState(const EngineContext& context,
                                      const Reader& reader,
                                      const StreamRecord& record,
                                      Position target,
                                      absl::optional<uint64_t> at_token);

// The number of the first token a reader reads of a stream: only the generator
// goes on with the numbers of an imported state.
uint64_t FirstToken(const Reader& reader, const LogView& view);

// Where a stream's log ends: behind its own last record, or where it left its
// parent.
Position HeadOf(const StreamRecord& record,
                const absl::optional<LogRecord>& last);

// Whether this reader makes the stream's timeline: the embedder if there is
// one, else the generator; none without a plan.
bool MakesTimeline(const EngineContext& context, const Reader& reader,
                   const StreamRecord& record);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_STORED_STREAM_H_
