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

// What the store knows of a stream that is about to be opened.
struct StoredStream {
  struct PerReader {
    absl::optional<Checkpoint> checkpoint;  // to begin at
    Position newest;                        // of the stored ones
    absl::optional<EmbeddingRecord> last_embedding;
  };
  StreamRecord record;
  absl::optional<LogRecord> last;  // of the stream's own log
  PerReader generator;
  PerReader embedder;
};

// Blocks on the store. NotFound/NO_STREAM; FailedPrecondition/MODEL_MISMATCH.
absl::StatusOr<StoredStream> LoadStream(const EngineContext& context,
                                        const StreamName& name);

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
