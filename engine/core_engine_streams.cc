// The engine's calls that look at streams, or make and remove them.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/check_request.h"
#include "engine/core_engine.h"
#include "engine/describe_stream.h"
#include "engine/error_reason.h"
#include "engine/find_checkpoint.h"
#include "engine/new_stream.h"
#include "engine/put_checkpoint.h"
#include "engine/reach.h"
#include "engine/read_text.h"

namespace oxbow {
namespace {

constexpr int kListMax = 1000;

// Store's thread. An identical retry finds its own work.
absl::StatusOr<StreamRecord> CreateOrFind(const EngineContext& context,
                                          const CreateStreamRequest& request) {
  const absl::StatusOr<StreamRecord> existing =
      context.store->FindStream(request.name.tenant, request.name.stream);
  if (existing.ok()) {
    if (existing->request_digest == DigestOf(request)) return existing;
    return StreamExists(request.name.stream);
  }
  if (!absl::IsNotFound(existing.status())) return existing.status();
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
  const absl::StatusOr<StreamRecord> existing =
      context.store->FindStream(request.to.tenant, request.to.stream);
  if (existing.ok()) {
    if (existing->request_digest == DigestOf(request)) return existing;
    return StreamExists(request.to.stream);
  }
  if (!absl::IsNotFound(existing.status())) return existing.status();
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
    absl::Status status = CheckName(request.name);
    if (status.ok()) status = CheckPlan(request.plan);
    if (status.ok()) status = CheckLabels(request.labels, limits().labels_max);
    if (status.ok()) status = Admit();
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
          WithDigest(operation, At(),
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

void CoreEngine::WithDigest(
    std::shared_ptr<Operation> operation, At at,
    std::function<void(absl::StatusOr<const Cursor*>, Position)> done) {
  ReachOptions options;
  options.reader = generator_.get();
  options.at = std::move(at);
  ReachOpenEnd(&context_, operation->stream(), options,
               [operation, done = std::move(done)](
                   absl::StatusOr<const Cursor*> cursor, Position position) {
                 done(cursor, position);
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

void CoreEngine::Checkpoint(CheckpointRequest request,
                            Callback<CheckpointInfo> done) {
  inbox_.Post([this, request = std::move(request), done = std::move(done)]() {
    if (request.label.size() > 128) {
      return done(WithReason(
          absl::InvalidArgumentError("a label has at most 128 bytes"),
          "BAD_LABELS"));
    }
    Begin(
        request.name,
        [this, request, done](std::shared_ptr<Operation> operation) {
          WithDigest(
              operation, request.at,
              [this, request, operation, done](
                  absl::StatusOr<const Cursor*> cursor, Position position) {
                if (!cursor.ok()) return done(cursor.status());
                LiveStream& stream = *operation->stream();
                oxbow::Checkpoint checkpoint =
                    (*cursor)->MakeCheckpoint(stream.record().uid);
                if (!request.label.empty()) {
                  checkpoint.header.savepoints.push_back(
                      {request.label, position, context_.clock->Now()});
                }
                CheckpointInfo info = Describe(checkpoint.header);
                info.position = position;
                info.state_digest = (*cursor)->StateDigest();
                stream.PutCheckpoint(
                    std::move(checkpoint),
                    [info, operation, done](absl::Status status) {
                      if (!status.ok()) return done(status);
                      done(info);
                    });
              });
        },
        done);
  });
}

void CoreEngine::ListCheckpoints(StreamName name,
                                 Callback<std::vector<CheckpointInfo>> done) {
  inbox_.Post([this, name = std::move(name), done = std::move(done)]() {
    Begin(
        name,
        [this, done](std::shared_ptr<Operation> operation) {
          FindCheckpointOptions options;
          options.reader = generator_->name();
          options.model_id = generator_->id();
          options.layout_id = generator_->info().layout_id;
          options.longest_piece = tokenizer().longest_piece();
          options.target = operation->stream()->durable();
          options.end = PointEnd::kOpen;
          options.target_is_head = true;
          context_.Async<std::vector<CheckpointInfo>>(
              [operation,
               options]() -> absl::StatusOr<std::vector<CheckpointInfo>> {
                ASSIGN_OR_RETURN(
                    const std::vector<CheckpointHeader> headers,
                    UsableCheckpoints(*operation->context().store,
                                      operation->stream()->view(), options));
                std::vector<CheckpointInfo> infos;
                for (auto header = headers.rbegin(); header != headers.rend();
                     ++header) {
                  infos.push_back(Describe(*header));
                }
                return infos;
              },
              [operation,
               done](absl::StatusOr<std::vector<CheckpointInfo>> infos) {
                done(std::move(infos));
              });
        },
        done);
  });
}

void CoreEngine::DeleteCheckpoint(StreamName name, std::string label,
                                  Callback<bool> done) {
  inbox_.Post([this, name = std::move(name), label = std::move(label),
               done = std::move(done)]() {
    Begin(
        name,
        [this, label, done](std::shared_ptr<Operation> operation) {
          context_.Async<bool>(
              [operation, label]() -> absl::StatusOr<bool> {
                RETURN_IF_ERROR(
                    RemoveSavepoint(*operation->context().store,
                                    operation->stream()->record().uid, label));
                return true;
              },
              [operation, done](absl::StatusOr<bool> removed) {
                done(std::move(removed));
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
          const uint64_t durable = operation->stream()->durable().byte_offset;
          const uint64_t to = request.to_byte.value_or(durable);
          if (to > durable || request.from_byte > to) {
            return done(
                WithReason(absl::OutOfRangeError(absl::StrCat(
                               "there are no bytes ", request.from_byte, " to ",
                               to, ": the stream ends at byte ", durable)),
                           "PAST_END", {{"byte_end", absl::StrCat(durable)}}));
          }
          context_.Async<ReadTextReply>(
              [operation, request, to,
               durable]() -> absl::StatusOr<ReadTextReply> {
                const EngineContext& context = operation->context();
                ReadTextReply reply;
                reply.byte_offset = request.from_byte;
                reply.durable = durable;
                ASSIGN_OR_RETURN(
                    reply.text,
                    ReadTextSpan(*context.store, context.generator->tokenizer(),
                                 operation->stream()->view(), request.from_byte,
                                 to, request.bytes_max));
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
