// Request messages to the engine's requests, with every check that needs no
// stream: numbers, names, sizes, enums. What passes is well formed; what does
// not is InvalidArgument in one sentence that names the field.
#ifndef OXBOW_SERVICE_FROM_PROTO_H_
#define OXBOW_SERVICE_FROM_PROTO_H_

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "base/sha256.h"
#include "engine/requests.h"
#include "oxbow/v1/models.pb.h"
#include "oxbow/v1/streams.pb.h"

namespace oxbow {

// What requests are checked against; fixed when the server starts.
struct RequestRules {
  Limits limits;
  int vocabulary_size = 0;           // the generator's: ids are below it
  int embedder_vocabulary_size = 0;  // of the model that embeds
  int embedding_width = 0;           // numbers in a vector
  bool has_embedding_head = false;   // then it is the default pooling
  Digest model_id{};                 // the generator's
};

// The name of a stream. BAD_STREAM_ID.
absl::StatusOr<StreamName> NameFromProto(absl::string_view field,
                                         const std::string& stream_id);
absl::StatusOr<Position> PositionFromProto(absl::string_view field,
                                           const v1::Position& position);
absl::StatusOr<At> AtFromProto(const v1::At& at);

// Without an id, the stream gets one that nobody has. MODEL_MISMATCH besides.
absl::StatusOr<CreateStreamRequest> FromProto(
    const v1::CreateStreamRequest& message, const RequestRules& rules);
// CHUNK_TOO_LARGE besides.
absl::StatusOr<AppendChunk> FromProto(const v1::AppendChunk& message,
                                      const RequestRules& rules);
absl::StatusOr<EmbedRequest> FromProto(const v1::EmbedRequest& message,
                                       const RequestRules& rules);
absl::StatusOr<RerankRequest> FromProto(const v1::RerankRequest& message,
                                        const RequestRules& rules);
absl::StatusOr<ReadEmbeddingsRequest> FromProto(
    const v1::ReadEmbeddingsRequest& message);
absl::StatusOr<GenerateRequest> FromProto(const v1::GenerateRequest& message,
                                          const RequestRules& rules);
absl::StatusOr<ScoreRequest> FromProto(const v1::ScoreRequest& message,
                                       const RequestRules& rules);
absl::StatusOr<ForkRequest> FromProto(const v1::ForkRequest& message,
                                      const RequestRules& rules);
absl::StatusOr<CheckpointRequest> FromProto(
    const v1::CheckpointRequest& message);
absl::StatusOr<ExportStateRequest> FromProto(
    const v1::ExportStateRequest& message);
absl::StatusOr<ReadTextRequest> FromProto(const v1::ReadTextRequest& message);

}  // namespace oxbow

#endif  // OXBOW_SERVICE_FROM_PROTO_H_
