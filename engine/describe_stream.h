// A stream as told to users.
#ifndef OXBOW_ENGINE_DESCRIBE_STREAM_H_
#define OXBOW_ENGINE_DESCRIBE_STREAM_H_

#include <vector>

#include "absl/status/statusor.h"
#include "engine/engine_context.h"
#include "engine/live_stream.h"
#include "engine/requests.h"

namespace oxbow {

// An open stream, as it stands.
StreamInfo DescribeLive(const LiveStream& stream);

// A closed stream, from what is stored: what lies behind the newest
// checkpoint is not applied yet. Blocks on the store.
absl::StatusOr<StreamInfo> DescribeStored(const EngineContext& context,
                                          const StreamRecord& record);

CheckpointInfo Describe(const CheckpointHeader& header);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_DESCRIBE_STREAM_H_
