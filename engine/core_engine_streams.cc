// The engine's calls that look at streams, or make and remove them.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/check_request.h"
#include "engine/core_engine.h"
#include "engine/describe_stream.h"
#include "engine/error_reason.h"
#include "engine/new_stream.h"
#include "engine/read_text.h"

namespace oxbow {
namespace {

constexpr int kListMax = 1000;

// Store's thread. An identical retry finds its own work.
absl::StatusOr<StreamRecord> CreateOrFind(const EngineContext& context,
                                          const CreateStreamRequest& request) {
  ASSIGN_OR_RETURN(const absl::optional<StreamRecord> made,
                   FindMade(context, request.name, DigestOf(request)));
  if (made.has_value()) return *made;
  ASSIGN_OR_RETURN(StreamRecord record, MakeStream(context, request));
  StoreBatch batch;
  batch.put_streams.push_back(record);
  RETURN_IF_ERROR(context.store->Write(batch, /*sync=*/true));
  return record;
}

// Store's thread.
absl::StatusOr<StreamRecord> ForkOrFind(const EngineContext& context,
                                        const StreamRecord& parent,
                                        Position durable,
                                        const ForkRequest& request) {
  ASSIGN_OR_RETURN(const absl::optional<StreamRecord> made,
                   FindMade(context, request.to, DigestOf(request)));
  if (made.has_value()) return *made;
  ForkedStream fork;
  ASSIGN_OR_RETURN(fork.position,
                   ResolveAt(*context.store, context.generator->tokenizer(),
                             LogView(parent), request.at, durable));
  fork.seam = request.at.kind == At::Kind::kToken;
  fork.to = request.to;
  fork.labels = request.labels;
  fork.ttl = request.ttl;
  ASSIGN_OR_RETURN(StreamRecord child, MakeFork(context, parent, fork));
  child.request_digest = DigestOf(request);
  StoreBatch batch;
  batch.put_streams.push_back(child);
  RETURN_IF_ERROR(context.store->Write(batch, /*sync=*/true));
  return child;
}

absl::Status CheckFork(const ForkRequest& request, const Limits& limits) {
  RETURN_IF_ERROR(CheckName(request.to));
  if (request.from.tenant != request.to.tenant) {
    return WithReason(
        absl::InvalidArgumentError("a fork stays with its parent's tenant"),
        "BAD_STREAM_ID");
  }
  return CheckLabels(request.labels, limits.labels_max);
}

}  // namespace

void CoreEngine::CreateStream(CreateStreamRequest request,
                              Callback<StreamInfo> done) {
  inbox_.Post([this, request = std::move(request), done = std::move(done)]() {
    absl::Status status = CheckCreate(request, limits());
    if (status.ok()) {
      status = CheckPrefix(context_, request.plan, /*imports=*/false);
    }
    if (status.ok()) status = AdmitQuestion();
    if (!status.ok()) return done(status);
    context_.Async<StreamInfo>(
        [context = &context_, request]() -> absl::StatusOr<StreamInfo> {
          ASSIGN_OR_RETURN(const StreamRecord record,
                           CreateOrFind(*context, request));
          return DescribeStored(*context, record);
        },
        done);
  });
}

void CoreEngine::Fork(ForkRequest request, Callback<StreamInfo> done) {
  inbox_.Post([this, request = std::move(request), done = std::move(done)]() {
    const absl::Status status = CheckFork(request, limits());
    if (!status.ok()) return done(status);
    Begin(
        request.from,
        [this, request, done](std::shared_ptr<Operation> operation) {
          const LiveStream& parent = *operation->stream();
          if (request.plan.has_value() &&
              !(*request.plan == parent.record().plan)) {
            return done(
                WithReason(absl::FailedPreconditionError(
                               "a fork keeps its parent's embedding plan"),
                           "PLAN_FIXED"));
          }
          context_.Async<StreamInfo>(
              [context = &context_, request, operation,
               durable = parent.durable()]() -> absl::StatusOr<StreamInfo> {
                ASSIGN_OR_RETURN(
                    const StreamRecord child,
                    ForkOrFind(*context, operation->stream()->record(), durable,
                               request));
                return DescribeStored(*context, child);
              },
              [operation, done](absl::StatusOr<StreamInfo> info) {
                done(std::move(info));
              });
        },
        done);
  });
}

void CoreEngine::GetStream(StreamName name, bool full,
                           Callback<StreamInfo> done) {
  inbox_.Post([this, name = std::move(name), full, done = std::move(done)]() {
    Begin(
        name,
        [this, full, done](std::shared_ptr<Operation> operation) {
          if (!full) return done(DescribeLive(*operation->stream()));
          WithCursor(operation, At(),
                     [operation, done](absl::StatusOr<const Cursor*> cursor,
                                       Position) {
                       if (!cursor.ok()) return done(cursor.status());
                       StreamInfo info = DescribeLive(*operation->stream());
                       info.state_digest = (*cursor)->StateDigest();
                       done(std::move(info));
                     });
        },
        done);
  });
}

void CoreEngine::ListStreams(std::string tenant, std::string after, int limit,
                             Callback<std::vector<StreamInfo>> done) {
  inbox_.Post([this, tenant = std::move(tenant), after = std::move(after),
               limit = std::min(std::max(limit, 1), kListMax),
               done = std::move(done)]() {
    context_.Async<std::vector<StreamInfo>>(
        [context = &context_, tenant, after,
         limit]() -> absl::StatusOr<std::vector<StreamInfo>> {
          ASSIGN_OR_RETURN(const std::vector<StreamRecord> records,
                           context->store->ListStreams(tenant, after, limit));
          std::vector<StreamInfo> infos;
          for (const StreamRecord& record : records) {
            ASSIGN_OR_RETURN(StreamInfo info, DescribeStored(*context, record));
            infos.push_back(std::move(info));
          }
          return infos;
        },
        [this, done](absl::StatusOr<std::vector<StreamInfo>> infos) {
          if (!infos.ok()) return done(infos.status());
          for (StreamInfo& info : *infos) {
            const std::shared_ptr<LiveStream> live = streams_->Find(info.name);
            if (live != nullptr) info = DescribeLive(*live);
          }
          done(std::move(infos));
        });
  });
}

void CoreEngine::DeleteStream(StreamName name, Callback<bool> done) {
  inbox_.Post([this, name = std::move(name), done = std::move(done)]() {
    Begin(
        name,
        [this, name, done](std::shared_ptr<Operation> operation) {
          const StreamUid uid = operation->stream()->record().uid;
          streams_->Drop(name, [this, uid, done]() {
            context_.Async<bool>(
                [store = context_.store, uid]() -> absl::StatusOr<bool> {
                  RETURN_IF_ERROR(store->DeleteStream(uid));
                  return true;
                },
                done);
          });
        },
        done);
  });
}

void CoreEngine::ReadText(ReadTextRequest request,
                          Callback<ReadTextReply> done) {
  inbox_.Post([this, request = std::move(request), done = std::move(done)]() {
    Begin(
        request.name,
        [this, request, done](std::shared_ptr<Operation> operation) {
          const LogView& view = operation->stream()->view();
          const uint64_t begin = view.begin().byte_offset;
          const uint64_t from =
              request.from_byte == 0 ? begin : request.from_byte;
          const uint64_t durable = operation->stream()->durable().byte_offset;
          const uint64_t to = request.to_byte.value_or(durable);
          if (from < begin) return done(BeforeImport(view));
          if (to > durable || from > to) {
            return done(WithReason(absl::OutOfRangeError(absl::StrCat(
                                       "there are no bytes ", from, " to ", to,
                                       ": the stream ends at byte ", durable)),
                                   "PAST_END",
                                   {{"byte_end", absl::StrCat(durable)}}));
          }
          context_.Async<ReadTextReply>(
              [operation, bytes_max = request.bytes_max, from, to,
               durable]() -> absl::StatusOr<ReadTextReply> {
                const EngineContext& context = operation->context();
                ReadTextReply reply;
                reply.byte_offset = from;
                reply.durable = durable;
                ASSIGN_OR_RETURN(
                    reply.text,
                    ReadTextSpan(*context.store, context.generator->tokenizer(),
                                 operation->stream()->view(), from, to,
                                 bytes_max));
                return reply;
              },
              [operation, done](absl::StatusOr<ReadTextReply> reply) {
                done(std::move(reply));
              });
        },
        done);
  });
}

}  // namespace oxbow
