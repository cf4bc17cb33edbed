#include "service/from_proto.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "engine/error_reason.h"
#include "service/field_rules.h"

namespace oxbow {
namespace {

constexpr int64_t kOffsetMax = std::numeric_limits<int64_t>::max();
constexpr int kPlanTokensMax = 1 << 20;
constexpr size_t kPrefixBytesMax = 4096;  // also of an instruction
constexpr int kContextTokensMax = 1 << 16;
constexpr int kChunksMax = 256;

absl::StatusOr<EmbeddingPlan> PlanFromProto(const v1::EmbeddingPlan& message) {
  EmbeddingPlan plan;
  if (message.prefix().size() > kPrefixBytesMax) {
    return FieldError(
        "embedding_plan.prefix",
        absl::StrCat("must be at most ", kPrefixBytesMax, " bytes"));
  }
  plan.prefix = message.prefix();
  switch (message.plan_case()) {
    case v1::EmbeddingPlan::PLAN_NOT_SET:
      return plan;
    case v1::EmbeddingPlan::kEveryTokens:
      RETURN_IF_ERROR(CheckRange("embedding_plan.every_tokens",
                                 message.every_tokens(), 1, kPlanTokensMax));
      plan.kind = EmbeddingPlan::Kind::kEveryTokens;
      plan.tokens = message.every_tokens();
      return plan;
    case v1::EmbeddingPlan::kEveryParagraph:
      plan.kind = EmbeddingPlan::Kind::kParagraph;
      return plan;
    case v1::EmbeddingPlan::kEverySentence:
      plan.kind = EmbeddingPlan::Kind::kSentence;
      return plan;
  }
  return FieldError("embedding_plan", "is of no known kind");
}

// An id nobody has: 128 random bits.
std::string MakeStreamId() {
  std::random_device random;
  return absl::StrFormat("s-%08x%08x%08x%08x", random(), random(), random(),
                         random());
}

absl::Status CheckModelId(const std::string& wanted, const Digest& held) {
  if (wanted.empty() || wanted == AsBytes(held)) return absl::OkStatus();
  if (wanted.size() != sizeof(Digest)) {
    return FieldError("model_id", "must be 32 bytes");
  }
  Digest id;
  std::copy(wanted.begin(), wanted.end(), id.begin());
  return WithReason(
      absl::FailedPreconditionError(
          absl::StrCat("the stream is wanted for model ", ToHex(id),
                       ", and this server runs ", ToHex(held))),
      "MODEL_MISMATCH",
      {{"wanted_model_id", ToHex(id)}, {"server_model_id", ToHex(held)}});
}

// Texts or ids given beside a stream: 1 .. texts_max.
struct Inline {
  std::vector<std::string> texts;
  std::vector<std::vector<int>> ids;
};

absl::StatusOr<Inline> InlineTexts(const v1::Texts& message,
                                   const RequestRules& rules) {
  RETURN_IF_ERROR(
      CheckRange("texts", message.texts_size(), 1, rules.limits.texts_max));
  Inline result;
  for (const std::string& text : message.texts()) {
    RETURN_IF_ERROR(
        CheckTextSize("texts", text.size(), rules.limits.prompt_bytes_max));
    result.texts.push_back(text);
  }
  return result;
}

absl::StatusOr<Inline> InlineIds(const v1::TokenIdLists& message,
                                 const RequestRules& rules) {
  RETURN_IF_ERROR(
      CheckRange("tokens", message.lists_size(), 1, rules.limits.texts_max));
  Inline result;
  for (const v1::TokenIds& list : message.lists()) {
    ASSIGN_OR_RETURN(std::vector<int> ids,
                     IdsOf("tokens", list.ids(), rules.limits.chunk_ids_max,
                           rules.vocabulary_size));
    result.ids.push_back(std::move(ids));
  }
  return result;
}

// 0 stands for what is usual.
absl::StatusOr<LongText> LongTextFromProto(const v1::LongText& message) {
  LongText long_text;
  RETURN_IF_ERROR(CheckRange("long_text.context_tokens",
                             message.context_tokens(), 0, kContextTokensMax));
  if (message.context_tokens() > 0) {
    long_text.context_tokens = message.context_tokens();
  }
  const int context = long_text.context_tokens;
  RETURN_IF_ERROR(
      CheckRange("long_text.chunk_tokens", message.chunk_tokens(), 0, context));
  long_text.chunk_tokens = message.chunk_tokens() > 0
                               ? message.chunk_tokens()
                               : std::min(long_text.chunk_tokens, context);
  if (context / long_text.chunk_tokens > kChunksMax) {
    return FieldError(
        "long_text.chunk_tokens",
        absl::StrCat("must be at least a context's ", kChunksMax, "th part"));
  }
  return long_text;
}

// What only inline texts with a trained head may have.
absl::Status AddInlineOnly(const v1::EmbedRequest& message,
                           EmbedRequest* request) {
  const bool is_inline = message.source_case() != v1::EmbedRequest::kStream &&
                         request->pooling == Pooling::kHead;
  if (!message.instruction().empty()) {
    if (!is_inline || message.source_case() != v1::EmbedRequest::kTexts) {
      return FieldError("instruction",
                        "is for inline texts with a trained head");
    }
    RETURN_IF_ERROR(CheckTextSize("instruction", message.instruction().size(),
                                  kPrefixBytesMax));
    request->instruction = message.instruction();
  }
  if (message.has_long_text()) {
    if (!is_inline) {
      return FieldError("long_text", "is for inline texts with a trained head");
    }
    ASSIGN_OR_RETURN(request->long_text,
                     LongTextFromProto(message.long_text()));
  }
  return absl::OkStatus();
}

absl::StatusOr<Pooling> PoolingFromProto(v1::Pooling pooling,
                                         const RequestRules& rules) {
  switch (pooling) {
    case v1::POOLING_UNSPECIFIED:
      return rules.has_embedding_head ? Pooling::kHead : Pooling::kMean;
    case v1::POOLING_LAST:
      return Pooling::kLast;
    case v1::POOLING_MEAN:
      return Pooling::kMean;
    case v1::POOLING_HEAD:
      return Pooling::kHead;
    default:
      return FieldError("pooling", absl::StrCat(static_cast<int>(pooling),
                                                " is no kind of pooling"));
  }
}

}  // namespace

absl::StatusOr<StreamName> NameFromProto(absl::string_view field,
                                         const std::string& stream_id) {
  RETURN_IF_ERROR(CheckStreamId(field, stream_id));
  StreamName name;
  name.stream = stream_id;
  return name;
}

absl::StatusOr<Position> PositionFromProto(absl::string_view field,
                                           const v1::Position& position) {
  RETURN_IF_ERROR(CheckRange(absl::StrCat(field, ".byte_offset"),
                             position.byte_offset(), 0, kOffsetMax));
  RETURN_IF_ERROR(CheckRange(absl::StrCat(field, ".zero_byte_tokens"),
                             position.zero_byte_tokens(), 0, kOffsetMax));
  return Position{static_cast<uint64_t>(position.byte_offset()),
                  static_cast<uint64_t>(position.zero_byte_tokens())};
}

absl::StatusOr<At> AtFromProto(const v1::At& message) {
  At at;
  switch (message.at_case()) {
    case v1::At::AT_NOT_SET:
    case v1::At::kHead:
      at.kind = At::Kind::kHead;
      return at;
    case v1::At::kByteOffset:
      RETURN_IF_ERROR(
          CheckRange("at.byte_offset", message.byte_offset(), 0, kOffsetMax));
      at.kind = At::Kind::kByte;
      at.offset = message.byte_offset();
      return at;
    case v1::At::kTokenOffset:
      RETURN_IF_ERROR(
          CheckRange("at.token_offset", message.token_offset(), 0, kOffsetMax));
      at.kind = At::Kind::kToken;
      at.offset = message.token_offset();
      return at;
    case v1::At::kLabel:
      RETURN_IF_ERROR(CheckWord("at.label", message.label()));
      at.kind = At::Kind::kLabel;
      at.label = message.label();
      return at;
  }
  return FieldError("at", "is of no known kind");
}

absl::StatusOr<CreateStreamRequest> FromProto(
    const v1::CreateStreamRequest& message, const RequestRules& rules) {
  RETURN_IF_ERROR(CheckModelId(message.model_id(), rules.model_id));
  CreateStreamRequest request;
  if (message.stream_id().empty()) {
    request.name.stream = MakeStreamId();
  } else {
    ASSIGN_OR_RETURN(request.name,
                     NameFromProto("stream_id", message.stream_id()));
  }
  ASSIGN_OR_RETURN(request.labels,
                   LabelsOf(message.labels(), rules.limits.labels_max));
  if (message.has_ttl()) {
    ASSIGN_OR_RETURN(request.ttl, TtlOf(message.ttl()));
  }
  ASSIGN_OR_RETURN(request.plan, PlanFromProto(message.embedding_plan()));
  return request;
}

absl::StatusOr<ForkRequest> FromProto(const v1::ForkRequest& message,
                                      const RequestRules& rules) {
  ForkRequest request;
  ASSIGN_OR_RETURN(request.from,
                   NameFromProto("stream_id", message.stream_id()));
  ASSIGN_OR_RETURN(request.to,
                   NameFromProto("new_stream_id", message.new_stream_id()));
  ASSIGN_OR_RETURN(request.at, AtFromProto(message.at()));
  ASSIGN_OR_RETURN(request.labels,
                   LabelsOf(message.labels(), rules.limits.labels_max));
  if (message.has_ttl()) {
    ASSIGN_OR_RETURN(request.ttl, TtlOf(message.ttl()));
  }
  if (message.has_embedding_plan()) {
    ASSIGN_OR_RETURN(request.plan, PlanFromProto(message.embedding_plan()));
  }
  return request;
}

absl::StatusOr<AppendChunk> FromProto(const v1::AppendChunk& message,
                                      const RequestRules& rules) {
  AppendChunk chunk;
  if (message.has_position()) {
    ASSIGN_OR_RETURN(chunk.position,
                     PositionFromProto("chunk.position", message.position()));
  }
  if (message.content_case() == v1::AppendChunk::kTokens) {
    chunk.kind = LogRecord::Kind::kTokens;
    if (message.tokens().ids_size() > rules.limits.chunk_ids_max) {
      return FieldError(
          "chunk.tokens",
          absl::StrCat("must be at most ", rules.limits.chunk_ids_max, " ids"),
          "CHUNK_TOO_LARGE");
    }
    ASSIGN_OR_RETURN(chunk.ids,
                     IdsOf("chunk.tokens", message.tokens().ids(),
                           rules.limits.chunk_ids_max, rules.vocabulary_size));
  } else {
    if (message.text().size() > rules.limits.chunk_bytes_max) {
      return FieldError("chunk.text",
                        absl::StrCat("must be at most ",
                                     rules.limits.chunk_bytes_max, " bytes"),
                        "CHUNK_TOO_LARGE");
    }
    chunk.text = message.text();
  }
  if (!message.sha256().empty()) {
    if (message.sha256().size() != sizeof(Digest)) {
      return FieldError("chunk.sha256", "must be 32 bytes");
    }
    if (chunk.kind == LogRecord::Kind::kTokens) {
      return FieldError("chunk.sha256", "is for text, not for tokens");
    }
    chunk.digest = message.sha256();
  }
  return chunk;
}

absl::StatusOr<EmbedRequest> FromProto(const v1::EmbedRequest& message,
                                       const RequestRules& rules) {
  EmbedRequest request;
  switch (message.source_case()) {
    case v1::EmbedRequest::SOURCE_NOT_SET:
      return FieldError("source", "must be a stream, texts or tokens");
    case v1::EmbedRequest::kStream: {
      const v1::StreamSpan& span = message.stream();
      ASSIGN_OR_RETURN(request.name,
                       NameFromProto("stream.stream_id", span.stream_id()));
      ASSIGN_OR_RETURN(request.at, AtFromProto(span.at()));
      if (span.has_from_byte()) {
        const bool at_byte = request.at.kind == At::Kind::kByte;
        RETURN_IF_ERROR(CheckRange("stream.from_byte", span.from_byte(), 0,
                                   at_byte ? request.at.offset : kOffsetMax));
        request.from_byte = span.from_byte();
      }
      break;
    }
    case v1::EmbedRequest::kTexts: {
      ASSIGN_OR_RETURN(Inline texts, InlineTexts(message.texts(), rules));
      request.texts = std::move(texts.texts);
      break;
    }
    case v1::EmbedRequest::kTokens: {
      ASSIGN_OR_RETURN(Inline tokens, InlineIds(message.tokens(), rules));
      request.ids = std::move(tokens.ids);
      break;
    }
  }
  ASSIGN_OR_RETURN(request.pooling, PoolingFromProto(message.pooling(), rules));
  if (!message.head().empty()) {
    RETURN_IF_ERROR(CheckWord("head", message.head()));
    request.head = message.head();
  }
  RETURN_IF_ERROR(
      CheckRange("dimensions", message.dimensions(), 0, rules.embedding_width));
  request.dimensions = message.dimensions();
  request.normalize = !message.has_normalize() || message.normalize();
  RETURN_IF_ERROR(AddInlineOnly(message, &request));
  return request;
}

absl::StatusOr<RerankRequest> FromProto(const v1::RerankRequest& message,
                                        const RequestRules& rules) {
  RerankRequest request;
  switch (message.query_case()) {
    case v1::RerankRequest::QUERY_NOT_SET:
      return FieldError("query", "must be text or tokens");
    case v1::RerankRequest::kText:
      RETURN_IF_ERROR(CheckTextSize("text", message.text().size(),
                                    rules.limits.prompt_bytes_max));
      request.query = message.text();
      break;
    case v1::RerankRequest::kTokens: {
      ASSIGN_OR_RETURN(
          request.query_ids,
          IdsOf("tokens", message.tokens().ids(), rules.limits.chunk_ids_max,
                rules.embedder_vocabulary_size));
      break;
    }
  }
  if (request.query.empty() && request.query_ids.empty()) {
    return FieldError("query", "must not be empty");
  }
  RETURN_IF_ERROR(CheckRange("streams", message.streams_size(), 1,
                             rules.limits.rerank_streams_max));
  for (const v1::StreamPoint& message_point : message.streams()) {
    StreamPoint point;
    ASSIGN_OR_RETURN(point.name, NameFromProto("streams.stream_id",
                                               message_point.stream_id()));
    ASSIGN_OR_RETURN(point.at, AtFromProto(message_point.at()));
    request.streams.push_back(std::move(point));
  }
  return request;
}

absl::StatusOr<ReadEmbeddingsRequest> FromProto(
    const v1::ReadEmbeddingsRequest& message) {
  ReadEmbeddingsRequest request;
  ASSIGN_OR_RETURN(request.name,
                   NameFromProto("stream_id", message.stream_id()));
  RETURN_IF_ERROR(
      CheckRange("from_token", message.from_token(), 0, kOffsetMax));
  request.from_token = message.from_token();
  if (message.has_to_token()) {
    RETURN_IF_ERROR(CheckRange("to_token", message.to_token(),
                               message.from_token(), kOffsetMax));
  }
  if (message.follow() && message.include_partial()) {
    return FieldError("include_partial", "cannot be asked for with follow");
  }
  request.follow = message.follow();
  request.partial = message.include_partial();
  return request;
}

absl::StatusOr<ScoreRequest> FromProto(const v1::ScoreRequest& message,
                                       const RequestRules& rules) {
  ScoreRequest request;
  ASSIGN_OR_RETURN(request.name,
                   NameFromProto("stream_id", message.stream_id()));
  ASSIGN_OR_RETURN(request.at, AtFromProto(message.at()));
  switch (message.source_case()) {
    case v1::ScoreRequest::SOURCE_NOT_SET:
      return FieldError("source", "must be texts or tokens");
    case v1::ScoreRequest::kTexts: {
      ASSIGN_OR_RETURN(Inline texts, InlineTexts(message.texts(), rules));
      request.texts = std::move(texts.texts);
      break;
    }
    case v1::ScoreRequest::kTokens: {
      ASSIGN_OR_RETURN(Inline tokens, InlineIds(message.tokens(), rules));
      request.ids = std::move(tokens.ids);
      break;
    }
  }
  return request;
}

absl::StatusOr<CheckpointRequest> FromProto(
    const v1::CheckpointRequest& message) {
  CheckpointRequest request;
  ASSIGN_OR_RETURN(request.name,
                   NameFromProto("stream_id", message.stream_id()));
  ASSIGN_OR_RETURN(request.at, AtFromProto(message.at()));
  if (!message.label().empty()) {
    RETURN_IF_ERROR(CheckWord("label", message.label()));
    request.label = message.label();
  }
  return request;
}

absl::StatusOr<ExportStateRequest> FromProto(
    const v1::ExportStateRequest& message) {
  ExportStateRequest request;
  ASSIGN_OR_RETURN(request.name,
                   NameFromProto("stream_id", message.stream_id()));
  ASSIGN_OR_RETURN(request.at, AtFromProto(message.at()));
  return request;
}

absl::StatusOr<ReadTextRequest> FromProto(const v1::ReadTextRequest& message) {
  ReadTextRequest request;
  ASSIGN_OR_RETURN(request.name,
                   NameFromProto("stream_id", message.stream_id()));
  RETURN_IF_ERROR(CheckRange("from_byte", message.from_byte(), 0, kOffsetMax));
  request.from_byte = message.from_byte();
  if (message.has_to_byte()) {
    RETURN_IF_ERROR(CheckRange("to_byte", message.to_byte(),
                               message.from_byte(), kOffsetMax));
    request.to_byte = message.to_byte();
  }
  return request;
}

}  // namespace oxbow
