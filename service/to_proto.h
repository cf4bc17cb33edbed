// The engine's answers as messages.
#ifndef OXBOW_SERVICE_TO_PROTO_H_
#define OXBOW_SERVICE_TO_PROTO_H_

#include <vector>

#include "engine/model/model.h"
#include "engine/requests.h"
#include "oxbow/v1/models.pb.h"
#include "oxbow/v1/streams.pb.h"

namespace oxbow {

v1::Position ToProto(const Position& position);
v1::Point ToProto(const Point& point);
v1::Stream ToProto(const StreamInfo& info);
v1::AppendAck ToProto(const AppendAck& ack);
v1::EmbedResponse ToProto(const EmbedReply& reply);
v1::RerankResponse ToProto(const RerankReply& reply);
v1::TimelineEntry ToProto(const TimelineEntry& entry);
v1::GeneratedToken ToProto(const GeneratedToken& token);
v1::FinishedBranch ToProto(const FinishedBranch& branch);
v1::ScoreResponse ToProto(const ScoreReply& reply);
v1::CheckpointInfo ToProto(const CheckpointInfo& info);
v1::ListCheckpointsResponse ToProto(const std::vector<CheckpointInfo>& infos);
v1::Model ToProto(const ModelInfo& info);

}  // namespace oxbow

#endif  // OXBOW_SERVICE_TO_PROTO_H_
