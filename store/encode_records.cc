#include "store/encode_records.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "store/records.pb.h"
#include "store/seal.h"

namespace oxbow {
namespace {

absl::Status Nonsense(absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("A stored value says what no release writes: ", what, "."));
}

absl::Status Later(absl::string_view what, int value) {
  return absl::UnimplementedError(
      absl::StrCat("A stored ", what, " has the kind ", value,
                   ", which a later release must have written."));
}

void ToProto(const Position& position, store::Position* proto) {
  proto->set_byte_offset(position.byte_offset);
  proto->set_zero_byte_tokens(position.zero_byte_tokens);
}

Position FromProto(const store::Position& proto) {
  return {proto.byte_offset(), proto.zero_byte_tokens()};
}

std::string ToProto(const Digest& digest) {
  return std::string(AsBytes(digest));
}

absl::Status FromProto(absl::string_view bytes, Digest* digest) {
  if (bytes.size() != digest->size()) return Nonsense("a digest's size");
  std::copy(bytes.begin(), bytes.end(), digest->begin());
  return absl::OkStatus();
}

absl::Status FromProto(const store::EmbeddingPlan& proto, EmbeddingPlan* plan) {
  plan->tokens = proto.tokens();
  plan->prefix = proto.prefix();
  plan->prefix_reader = proto.prefix_reader();
  const bool has_prefix = proto.kind() == store::EmbeddingPlan::PREFIXED;
  if (has_prefix == plan->prefix.empty() ||
      has_prefix == plan->prefix_reader.empty()) {
    return Nonsense("a prefix without its plan, or a plan without its prefix");
  }
  const store::EmbeddingPlan::Kind kind =
      has_prefix ? proto.kind_behind_prefix() : proto.kind();
  switch (kind) {
    case store::EmbeddingPlan::NONE:
      plan->kind = EmbeddingPlan::Kind::kNone;
      return absl::OkStatus();
    case store::EmbeddingPlan::EVERY_TOKENS:
      plan->kind = EmbeddingPlan::Kind::kEveryTokens;
      return absl::OkStatus();
    case store::EmbeddingPlan::PARAGRAPH:
      plan->kind = EmbeddingPlan::Kind::kParagraph;
      return absl::OkStatus();
    case store::EmbeddingPlan::SENTENCE:
      plan->kind = EmbeddingPlan::Kind::kSentence;
      return absl::OkStatus();
    default:
      return Later("embedding plan", kind);
  }
}

store::EmbeddingPlan::Kind ToProto(EmbeddingPlan::Kind kind) {
  switch (kind) {
    case EmbeddingPlan::Kind::kNone:
      return store::EmbeddingPlan::NONE;
    case EmbeddingPlan::Kind::kEveryTokens:
      return store::EmbeddingPlan::EVERY_TOKENS;
    case EmbeddingPlan::Kind::kParagraph:
      return store::EmbeddingPlan::PARAGRAPH;
    case EmbeddingPlan::Kind::kSentence:
      return store::EmbeddingPlan::SENTENCE;
  }
  return store::EmbeddingPlan::NONE;
}

void ToProto(const EmbeddingPlan& plan, store::EmbeddingPlan* proto) {
  proto->set_tokens(plan.tokens);
  if (plan.prefix.empty()) return proto->set_kind(ToProto(plan.kind));
  proto->set_kind(store::EmbeddingPlan::PREFIXED);
  proto->set_kind_behind_prefix(ToProto(plan.kind));
  proto->set_prefix(plan.prefix);
  proto->set_prefix_reader(plan.prefix_reader);
}

store::Stream ToProto(const StreamRecord& stream) {
  store::Stream proto;
  proto.set_uid(stream.uid);
  proto.set_tenant(stream.tenant);
  proto.set_name(stream.name);
  proto.set_created(absl::ToUnixNanos(stream.created));
  if (stream.expires != absl::InfiniteFuture()) {
    proto.set_expires(absl::ToUnixNanos(stream.expires));
  }
  for (const auto& label : stream.labels) {
    store::Entry* entry = proto.add_labels();
    entry->set_key(label.first);
    entry->set_value(label.second);
  }
  ToProto(stream.plan, proto.mutable_plan());
  proto.set_epoch(stream.epoch);
  for (const Segment& segment : stream.ancestry) {
    store::Segment* part = proto.add_ancestry();
    part->set_uid(segment.uid);
    ToProto(segment.end, part->mutable_end());
    part->set_seam_at_end(segment.seam_at_end);
    if (segment.imported_tokens.has_value()) {
      part->set_imported_tokens(*segment.imported_tokens);
    }
  }
  proto.set_forked_from(stream.forked_from);
  proto.set_request_digest(ToProto(stream.request_digest));
  for (const auto& model : stream.model_ids) {
    store::Entry* entry = proto.add_model_ids();
    entry->set_key(model.first);
    entry->set_value(ToProto(model.second));
  }
  return proto;
}

store::LogRecord ToProto(const LogRecord& record) {
  store::LogRecord proto;
  proto.set_kind(record.kind == LogRecord::Kind::kText
                     ? store::LogRecord::TEXT
                     : store::LogRecord::TOKENS);
  ToProto(record.begin, proto.mutable_begin());
  proto.set_sequence(record.sequence);
  proto.set_text(record.text);
  proto.mutable_ids()->Add(record.ids.begin(), record.ids.end());
  proto.set_byte_length(record.byte_length);
  proto.set_zero_byte_tokens_at_end(record.zero_byte_tokens_at_end);
  proto.set_epoch(record.epoch);
  proto.set_provenance(record.provenance);
  proto.set_chain(ToProto(record.chain));
  return proto;
}

absl::Status KindFromProto(const store::LogRecord& proto, LogRecord* record) {
  switch (proto.kind()) {
    case store::LogRecord::TEXT:
      record->kind = LogRecord::Kind::kText;
      if (!proto.ids().empty()) return Nonsense("a text record has ids");
      if (proto.byte_length() != proto.text().size()) {
        return Nonsense("a text record's length is not its text's");
      }
      return absl::OkStatus();
    case store::LogRecord::TOKENS:
      record->kind = LogRecord::Kind::kTokens;
      if (!proto.text().empty()) return Nonsense("a tokens record has text");
      return absl::OkStatus();
    default:
      return Later("log record", proto.kind());
  }
}

}  // namespace

std::string EncodeStream(absl::string_view key, const StreamRecord& stream) {
  return Seal(key, ToProto(stream));
}

absl::StatusOr<StreamRecord> DecodeStream(absl::string_view key,
                                          absl::string_view value) {
  store::Stream proto;
  RETURN_IF_ERROR(Unseal(key, value, &proto));
  StreamRecord stream;
  stream.uid = proto.uid();
  stream.tenant = proto.tenant();
  stream.name = proto.name();
  stream.created = absl::FromUnixNanos(proto.created());
  if (proto.has_expires()) {
    stream.expires = absl::FromUnixNanos(proto.expires());
  }
  for (const store::Entry& label : proto.labels()) {
    stream.labels[label.key()] = label.value();
  }
  RETURN_IF_ERROR(FromProto(proto.plan(), &stream.plan));
  stream.epoch = proto.epoch();
  for (const store::Segment& segment : proto.ancestry()) {
    Segment part;
    part.uid = segment.uid();
    part.end = FromProto(segment.end());
    part.seam_at_end = segment.seam_at_end();
    if (segment.has_imported_tokens()) {
      part.imported_tokens = segment.imported_tokens();
    }
    stream.ancestry.push_back(std::move(part));
  }
  stream.forked_from = proto.forked_from();
  RETURN_IF_ERROR(FromProto(proto.request_digest(), &stream.request_digest));
  for (const store::Entry& model : proto.model_ids()) {
    RETURN_IF_ERROR(FromProto(model.value(), &stream.model_ids[model.key()]));
  }
  return stream;
}

std::string EncodeLogRecord(absl::string_view key, const LogRecord& record) {
  return Seal(key, ToProto(record));
}

absl::StatusOr<LogRecord> DecodeLogRecord(absl::string_view key,
                                          absl::string_view value) {
  store::LogRecord proto;
  RETURN_IF_ERROR(Unseal(key, value, &proto));
  LogRecord record;
  RETURN_IF_ERROR(KindFromProto(proto, &record));
  record.begin = FromProto(proto.begin());
  record.sequence = proto.sequence();
  record.text = std::move(*proto.mutable_text());
  record.ids.assign(proto.ids().begin(), proto.ids().end());
  record.byte_length = proto.byte_length();
  record.zero_byte_tokens_at_end = proto.zero_byte_tokens_at_end();
  record.epoch = proto.epoch();
  record.provenance = proto.provenance();
  RETURN_IF_ERROR(FromProto(proto.chain(), &record.chain));
  if (record.byte_length >
      std::numeric_limits<uint64_t>::max() - record.begin.byte_offset) {
    return Nonsense("a log record ends beyond all numbers");
  }
  return record;
}

std::string EncodeCheckpoint(absl::string_view key,
                             const StoredCheckpoint& checkpoint) {
  const CheckpointHeader& header = checkpoint.header;
  store::Checkpoint proto;
  proto.set_uid(header.uid);
  proto.set_reader(header.reader);
  proto.set_token_offset(header.token_offset);
  ToProto(header.position, proto.mutable_position());
  proto.set_id_chain(ToProto(header.id_chain));
  proto.set_model_id(ToProto(header.model_id));
  proto.set_layout_id(header.layout_id);
  proto.set_numerics_id(header.numerics_id);
  proto.set_created(absl::ToUnixNanos(header.created));
  for (const Savepoint& savepoint : header.savepoints) {
    store::Savepoint* added = proto.add_savepoints();
    added->set_label(savepoint.label);
    ToProto(savepoint.position, added->mutable_position());
    added->set_created(absl::ToUnixNanos(savepoint.created));
  }
  proto.set_state_sha256(ToProto(checkpoint.state_sha256));
  proto.set_state_bytes(checkpoint.state_bytes);
  return Seal(key, proto);
}

absl::StatusOr<StoredCheckpoint> DecodeCheckpoint(absl::string_view key,
                                                  absl::string_view value) {
  store::Checkpoint proto;
  RETURN_IF_ERROR(Unseal(key, value, &proto));
  StoredCheckpoint checkpoint;
  CheckpointHeader& header = checkpoint.header;
  header.uid = proto.uid();
  header.reader = proto.reader();
  header.token_offset = proto.token_offset();
  header.position = FromProto(proto.position());
  RETURN_IF_ERROR(FromProto(proto.id_chain(), &header.id_chain));
  RETURN_IF_ERROR(FromProto(proto.model_id(), &header.model_id));
  header.layout_id = proto.layout_id();
  header.numerics_id = proto.numerics_id();
  header.created = absl::FromUnixNanos(proto.created());
  for (const store::Savepoint& savepoint : proto.savepoints()) {
    header.savepoints.push_back({savepoint.label(),
                                 FromProto(savepoint.position()),
                                 absl::FromUnixNanos(savepoint.created())});
  }
  RETURN_IF_ERROR(FromProto(proto.state_sha256(), &checkpoint.state_sha256));
  checkpoint.state_bytes = proto.state_bytes();
  return checkpoint;
}

std::string EncodeEmbedding(absl::string_view key,
                            const EmbeddingRecord& embedding) {
  store::Embedding proto;
  proto.set_token_begin(embedding.token_begin);
  proto.set_token_end(embedding.token_end);
  proto.set_byte_begin(embedding.byte_begin);
  proto.set_byte_end(embedding.byte_end);
  proto.mutable_vector()->Add(embedding.vector.begin(), embedding.vector.end());
  return Seal(key, proto);
}

absl::StatusOr<EmbeddingRecord> DecodeEmbedding(absl::string_view key,
                                                absl::string_view value) {
  store::Embedding proto;
  RETURN_IF_ERROR(Unseal(key, value, &proto));
  EmbeddingRecord embedding;
  embedding.token_begin = proto.token_begin();
  embedding.token_end = proto.token_end();
  embedding.byte_begin = proto.byte_begin();
  embedding.byte_end = proto.byte_end();
  embedding.vector.assign(proto.vector().begin(), proto.vector().end());
  return embedding;
}

std::string EncodeBeginning(absl::string_view key, uint64_t token_offset) {
  store::Beginning proto;
  proto.set_token_offset(token_offset);
  return Seal(key, proto);
}

absl::StatusOr<uint64_t> DecodeBeginning(absl::string_view key,
                                         absl::string_view value) {
  store::Beginning proto;
  RETURN_IF_ERROR(Unseal(key, value, &proto));
  return proto.token_offset();
}

std::string EncodeNameOwner(absl::string_view key, StreamUid uid) {
  store::NameOwner proto;
  proto.set_uid(uid);
  return Seal(key, proto);
}

absl::StatusOr<StreamUid> DecodeNameOwner(absl::string_view key,
                                          absl::string_view value) {
  store::NameOwner proto;
  RETURN_IF_ERROR(Unseal(key, value, &proto));
  return proto.uid();
}

std::string EncodeUnowned(absl::string_view key,
                          absl::optional<absl::Time> deleted) {
  store::Unowned proto;
  if (deleted) proto.set_deleted(absl::ToUnixNanos(*deleted));
  return Seal(key, proto);
}

absl::StatusOr<absl::optional<absl::Time>> DecodeUnowned(
    absl::string_view key, absl::string_view value) {
  store::Unowned proto;
  RETURN_IF_ERROR(Unseal(key, value, &proto));
  if (!proto.has_deleted()) return absl::optional<absl::Time>();
  return absl::make_optional(absl::FromUnixNanos(proto.deleted()));
}

std::string EncodeOpaque(absl::string_view key, absl::string_view bytes) {
  store::Opaque proto;
  proto.set_value(std::string(bytes));
  return Seal(key, proto);
}

absl::StatusOr<std::string> DecodeOpaque(absl::string_view key,
                                         absl::string_view value) {
  store::Opaque proto;
  RETURN_IF_ERROR(Unseal(key, value, &proto));
  return std::move(*proto.mutable_value());
}

std::string EncodeRequest(absl::string_view key, absl::string_view bytes,
                          absl::optional<absl::Time> made) {
  store::Opaque proto;
  proto.set_value(std::string(bytes));
  if (made.has_value()) proto.set_made(absl::ToUnixNanos(*made));
  return Seal(key, proto);
}

absl::StatusOr<absl::optional<absl::Time>> DecodeMade(absl::string_view key,
                                                      absl::string_view value) {
  store::Opaque proto;
  RETURN_IF_ERROR(Unseal(key, value, &proto));
  if (!proto.has_made()) return absl::optional<absl::Time>();
  return absl::make_optional(absl::FromUnixNanos(proto.made()));
}

std::string EncodeUidLimit(absl::string_view key, StreamUid next) {
  store::UidLimit proto;
  proto.set_next(next);
  return Seal(key, proto);
}

absl::StatusOr<StreamUid> DecodeUidLimit(absl::string_view key,
                                         absl::string_view value) {
  store::UidLimit proto;
  RETURN_IF_ERROR(Unseal(key, value, &proto));
  return proto.next();
}

}  // namespace oxbow
