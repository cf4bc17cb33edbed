// Making streams: new ones and forks.
#ifndef OXBOW_ENGINE_NEW_STREAM_H_
#define OXBOW_ENGINE_NEW_STREAM_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "engine/engine_context.h"
#include "engine/requests.h"
#include "store/records.h"

namespace oxbow {

// Whether the plan's prefix, if it has one, can be read here.
// FailedPrecondition/NO_EMBEDDER: no model embeds. FailedPrecondition/
// NO_TOKENIZER: it reads ids only. InvalidArgument/BAD_PLAN: a stream that
// begins as a state (`imports`) whose reader would have to read it before that.
absl::Status CheckPrefix(const EngineContext& context,
                         const EmbeddingPlan& plan, bool imports);

absl::Status StreamExists(const std::string& name);

// The stream that an identical request (DigestOf) made before; nullopt if the
// name is free. AlreadyExists/STREAM_EXISTS: it was made otherwise. Blocks on
// the store.
absl::StatusOr<absl::optional<StreamRecord>> FindMade(
    const EngineContext& context, const StreamName& name,
    const Digest& request_digest);

// The record of a new stream, as the request wants it. Blocks on the store.
absl::StatusOr<StreamRecord> MakeStream(const EngineContext& context,
                                        const CreateStreamRequest& request);

struct ForkedStream {
  Position position;
  // Text after the fork is tokenized afresh.
  bool seam = false;
  StreamName to;
  std::map<std::string, std::string> labels;
  absl::optional<absl::Duration> ttl;
};

// The record of a fork: it shares the parent's log up to `position`.
// ResourceExhausted/TOO_MANY_ANCESTORS: 1,000 forks of forks. Blocks on the
// store.
absl::StatusOr<StreamRecord> MakeFork(const EngineContext& context,
                                      const StreamRecord& parent,
                                      const ForkedStream& fork);

// Adds to `batch` the first record of a fresh fork's own log.
void AddFirstRecord(const Tokenizer& tokenizer, const StreamRecord& child,
                    LogRecord record, StoreBatch* batch);

// What tells a repeated request from another one of the same name.
Digest DigestOf(const CreateStreamRequest& request);
Digest DigestOf(const ForkRequest& request);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_NEW_STREAM_H_
