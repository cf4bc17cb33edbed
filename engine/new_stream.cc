#include "engine/new_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/error_reason.h"
#include "engine/log_view.h"
#include "engine/measure_record.h"

namespace oxbow {
namespace {

constexpr size_t kAncestorsMax = 1000;

absl::StatusOr<StreamRecord> NewRecord(
    const EngineContext& context, const StreamName& name,
    const std::map<std::string, std::string>& labels,
    const absl::optional<absl::Duration>& ttl) {
  StreamRecord record;
  ASSIGN_OR_RETURN(record.uid, context.store->NewUid());
  record.tenant = name.tenant;
  record.name = name.stream;
  record.created = context.clock->Now();
  if (ttl.has_value()) record.expires = record.created + *ttl;
  record.labels = labels;
  record.model_ids["generator"] = context.generator->id();
  if (context.embedder != nullptr) {
    record.model_ids["embedder"] = context.embedder->id();
  }
  return record;
}

void AddCommon(const StreamName& name,
               const std::map<std::string, std::string>& labels,
               const absl::optional<absl::Duration>& ttl,
               Sha256Hasher* hasher) {
  hasher->AddSized(name.tenant);
  hasher->AddSized(name.stream);
  hasher->AddNumber(labels.size());
  for (const auto& [key, value] : labels) {
    hasher->AddSized(key);
    hasher->AddSized(value);
  }
  hasher->AddNumber(ttl.has_value() ? absl::ToInt64Milliseconds(*ttl) : -1);
}

}  // namespace

absl::Status CheckPrefix(const EngineContext& context,
                         const EmbeddingPlan& plan, bool imports) {
  if (plan.prefix.empty()) return absl::OkStatus();
  const Reader* reader = context.embedding_reader();
  if (reader == nullptr) {
    return WithReason(absl::FailedPreconditionError(
                          "the server has no embedder to read a prefix: start "
                          "it with --embedder=PATH"),
                      "NO_EMBEDDER");
  }
  if (!reader->tokenizer().reads_text()) {
    return WithReason(absl::FailedPreconditionError(
                          "the embedder has no tokenizer to read a prefix"),
                      "NO_TOKENIZER");
  }
  if (imports && reader == context.generator) {
    return WithReason(
        absl::InvalidArgumentError("an imported state has begun already: "
                                   "nothing can be read before it"),
        "BAD_PLAN");
  }
  return absl::OkStatus();
}

absl::Status StreamExists(const std::string& name) {
  return WithReason(absl::AlreadyExistsError(
                        absl::StrCat("a stream '", name, "' exists already")),
                    "STREAM_EXISTS");
}

absl::StatusOr<absl::optional<StreamRecord>> FindMade(
    const EngineContext& context, const StreamName& name,
    const Digest& request_digest) {
  const absl::StatusOr<StreamRecord> existing =
      context.store->FindStream(name.tenant, name.stream);
  if (absl::IsNotFound(existing.status())) return {absl::nullopt};
  RETURN_IF_ERROR(existing.status());
  if (existing->request_digest != request_digest) {
    return StreamExists(name.stream);
  }
  return {*existing};
}

absl::StatusOr<StreamRecord> MakeStream(const EngineContext& context,
                                        const CreateStreamRequest& request) {
  ASSIGN_OR_RETURN(StreamRecord record, NewRecord(context, request.name,
                                                  request.labels, request.ttl));
  record.plan = request.plan;
  if (!record.plan.prefix.empty()) {
    record.plan.prefix_reader = context.embedding_reader()->name();
  }
  record.request_digest = DigestOf(request);
  return record;
}

absl::StatusOr<StreamRecord> MakeFork(const EngineContext& context,
                                      const StreamRecord& parent,
                                      const ForkedStream& fork) {
  ASSIGN_OR_RETURN(StreamRecord record,
                   NewRecord(context, fork.to, fork.labels, fork.ttl));
  record.plan = parent.plan;
  record.forked_from = parent.name;
  record.ancestry = LogView(parent).AncestryOfFork(fork.position, fork.seam);
  if (record.ancestry.size() > kAncestorsMax) {
    return WithReason(
        absl::ResourceExhaustedError(absl::StrCat(
            "the fork would have more than ", kAncestorsMax,
            " ancestors: ", "copy the text into a stream of its own")),
        "TOO_MANY_ANCESTORS");
  }
  return record;
}

void AddFirstRecord(const Tokenizer& tokenizer, const StreamRecord& child,
                    LogRecord record, StoreBatch* batch) {
  record.begin = LogView(child).own_begin();
  record.sequence = 0;
  MeasureRecord(tokenizer, &record);
  record.chain = ChainDigest(Digest{}, record);
  batch->appends.push_back({child.uid, std::move(record)});
}

Digest DigestOf(const CreateStreamRequest& request) {
  Sha256Hasher hasher;
  hasher.AddSized("create");
  AddCommon(request.name, request.labels, request.ttl, &hasher);
  hasher.AddNumber(static_cast<uint64_t>(request.plan.kind));
  hasher.AddNumber(request.plan.tokens);
  if (!request.plan.prefix.empty()) hasher.AddSized(request.plan.prefix);
  return hasher.Finish();
}

Digest DigestOf(const ForkRequest& request) {
  Sha256Hasher hasher;
  hasher.AddSized("fork");
  AddCommon(request.to, request.labels, request.ttl, &hasher);
  hasher.AddSized(request.from.tenant);
  hasher.AddSized(request.from.stream);
  hasher.AddNumber(static_cast<uint64_t>(request.at.kind));
  hasher.AddNumber(request.at.offset);
  hasher.AddSized(request.at.label);
  return hasher.Finish();
}

}  // namespace oxbow
