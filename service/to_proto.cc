#include "service/to_proto.h"

#include <string>

namespace oxbow {
namespace {

std::string Bytes(const Digest& digest) { return std::string(AsBytes(digest)); }

google::protobuf::Timestamp Timestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

v1::EmbeddingPlan ToProto(const EmbeddingPlan& plan) {
  v1::EmbeddingPlan message;
  message.set_prefix(plan.prefix);
  switch (plan.kind) {
    case EmbeddingPlan::Kind::kNone:
      break;
    case EmbeddingPlan::Kind::kEveryTokens:
      message.set_every_tokens(plan.tokens);
      break;
    case EmbeddingPlan::Kind::kParagraph:
      message.mutable_every_paragraph();
      break;
    case EmbeddingPlan::Kind::kSentence:
      message.mutable_every_sentence();
      break;
  }
  return message;
}

v1::Pooling ToProto(Pooling pooling) {
  switch (pooling) {
    case Pooling::kLast:
      return v1::POOLING_LAST;
    case Pooling::kMean:
      return v1::POOLING_MEAN;
    case Pooling::kHead:
      return v1::POOLING_HEAD;
  }
  return v1::POOLING_UNSPECIFIED;
}

v1::FinishReason ToProto(FinishReason reason) {
  switch (reason) {
    case FinishReason::kLength:
      return v1::FINISH_REASON_LENGTH;
    case FinishReason::kStopText:
      return v1::FINISH_REASON_STOP_TEXT;
    case FinishReason::kStopToken:
      return v1::FINISH_REASON_STOP_TOKEN;
    case FinishReason::kEndOfDocument:
      return v1::FINISH_REASON_END_OF_DOCUMENT;
  }
  return v1::FINISH_REASON_UNSPECIFIED;
}

v1::TokenLogprob ToProto(const TokenLogprob& token) {
  v1::TokenLogprob message;
  message.set_token(token.id);
  message.set_logprob(token.logprob);
  return message;
}

}  // namespace

v1::Position ToProto(const Position& position) {
  v1::Position message;
  message.set_byte_offset(position.byte_offset);
  message.set_zero_byte_tokens(position.zero_byte_tokens);
  return message;
}

v1::Point ToProto(const Point& point) {
  v1::Point message;
  *message.mutable_position() = ToProto(point.position);
  message.set_token_offset(point.token_offset);
  return message;
}

v1::Stream ToProto(const StreamInfo& info) {
  v1::Stream message;
  message.set_stream_id(info.name.stream);
  *message.mutable_create_time() = Timestamp(info.created);
  if (info.expires != absl::InfiniteFuture()) {
    *message.mutable_expire_time() = Timestamp(info.expires);
  }
  message.mutable_labels()->insert(info.labels.begin(), info.labels.end());
  *message.mutable_embedding_plan() = ToProto(info.plan);
  if (!info.forked_from.empty()) {
    message.set_forked_from(info.forked_from);
    *message.mutable_fork_position() = ToProto(info.fork_position);
  }
  if (info.begin != Position()) {
    *message.mutable_begin() = ToProto(info.begin);
  }
  *message.mutable_durable() = ToProto(info.durable);
  *message.mutable_applied() = ToProto(info.applied);
  *message.mutable_checkpoint() = ToProto(info.checkpoint);
  message.set_token_offset(info.token_offset);
  message.set_undecided_bytes(info.undecided_bytes);
  message.set_epoch(info.epoch);
  if (info.state_digest.has_value()) {
    message.set_state_digest(Bytes(*info.state_digest));
  }
  return message;
}

v1::AppendAck ToProto(const AppendAck& ack) {
  v1::AppendAck message;
  *message.mutable_durable() = ToProto(ack.durable);
  *message.mutable_applied() = ToProto(ack.applied);
  *message.mutable_checkpoint() = ToProto(ack.checkpoint);
  message.set_undecided_bytes(ack.undecided_bytes);
  message.set_token_offset(ack.token_offset);
  return message;
}

v1::EmbedResponse ToProto(const EmbedReply& reply) {
  v1::EmbedResponse message;
  for (const std::vector<float>& vector : reply.vectors) {
    message.add_embeddings()->mutable_values()->Add(vector.begin(),
                                                    vector.end());
  }
  *message.mutable_point() = ToProto(reply.point);
  message.set_pooling(ToProto(reply.pooling));
  message.set_raw(reply.raw);
  return message;
}

v1::RerankResponse ToProto(const RerankReply& reply) {
  v1::RerankResponse message;
  for (const RankedStream& stream : reply.ranked) {
    v1::RankedStream* ranked = message.add_ranked();
    ranked->set_stream_id(stream.name.stream);
    ranked->set_index(stream.index);
    ranked->set_score(stream.score);
    ranked->set_logit(stream.logit);
    *ranked->mutable_point() = ToProto(stream.point);
    ranked->set_plain(stream.plain);
  }
  return message;
}

v1::TimelineEntry ToProto(const TimelineEntry& entry) {
  v1::TimelineEntry message;
  const EmbeddingRecord& record = entry.record;
  message.set_byte_begin(record.byte_begin);
  message.set_byte_end(record.byte_end);
  message.set_token_begin(record.token_begin);
  message.set_token_end(record.token_end);
  message.mutable_embedding()->mutable_values()->Add(record.vector.begin(),
                                                     record.vector.end());
  message.set_partial(entry.partial);
  return message;
}

v1::GeneratedToken ToProto(const GeneratedToken& token) {
  v1::GeneratedToken message;
  message.set_branch(token.branch);
  message.set_index(token.index);
  message.set_token(token.id);
  message.set_text(token.bytes);
  message.set_logprob(token.logprob);
  for (const TokenLogprob& top : token.top) {
    *message.add_top_logprobs() = ToProto(top);
  }
  return message;
}

v1::FinishedBranch ToProto(const FinishedBranch& branch) {
  v1::FinishedBranch message;
  message.set_branch(branch.branch);
  message.set_finish_reason(ToProto(branch.reason));
  message.set_text(branch.text);
  message.set_tokens(branch.tokens);
  message.set_kept_as(branch.kept_as);
  if (branch.committed.has_value()) {
    *message.mutable_committed() = ToProto(*branch.committed);
  }
  return message;
}

v1::ScoreResponse ToProto(const ScoreReply& reply) {
  v1::ScoreResponse message;
  for (const ScoredText& score : reply.scores) {
    v1::ScoredText* text = message.add_scores();
    text->set_logprob(score.logprob);
    for (const TokenLogprob& token : score.tokens) {
      *text->add_tokens() = ToProto(token);
    }
  }
  *message.mutable_point() = ToProto(reply.point);
  return message;
}

v1::CheckpointInfo ToProto(const CheckpointInfo& info) {
  v1::CheckpointInfo message;
  *message.mutable_position() = ToProto(info.position);
  message.set_token_offset(info.token_offset);
  message.mutable_labels()->Add(info.labels.begin(), info.labels.end());
  *message.mutable_create_time() = Timestamp(info.created);
  if (info.state_digest.has_value()) {
    message.set_state_digest(Bytes(*info.state_digest));
  }
  return message;
}

v1::ListCheckpointsResponse ToProto(const std::vector<CheckpointInfo>& infos) {
  v1::ListCheckpointsResponse message;
  for (const CheckpointInfo& info : infos) {
    *message.add_checkpoints() = ToProto(info);
  }
  return message;
}

v1::Model ToProto(const ModelInfo& info) {
  v1::Model message;
  message.set_weights_id(Bytes(info.weights_id));
  message.set_version(info.version);
  message.set_layers(info.layers);
  message.set_width(info.width);
  message.set_vocabulary_size(info.vocabulary_size);
  message.set_head_size(info.head_size);
  message.set_parameters(info.parameters);
  message.set_weights_dtype(info.weights_dtype);
  message.set_state_bytes(info.state_bytes);
  message.set_layout_id(info.layout_id);
  message.set_numerics_id(info.numerics_id);
  message.set_has_language_head(info.has_lm_head);
  message.mutable_embedding_heads()->Add(info.embedding_heads.begin(),
                                         info.embedding_heads.end());
  message.mutable_adapters()->Add(info.adapters.begin(), info.adapters.end());
  return message;
}

}  // namespace oxbow
