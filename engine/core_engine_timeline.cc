// The engine's calls that read a stream's timeline.
#include <utility>

#include "base/status_macros.h"
#include "engine/core_engine.h"
#include "engine/error_reason.h"
#include "engine/read_timeline.h"

namespace oxbow {
namespace {

constexpr int kEntriesMax = 1000;

}  // namespace

void CoreEngine::ReadEmbeddings(ReadEmbeddingsRequest request,
                                Callback<ReadEmbeddingsReply> done) {
  inbox_.Post([this, request = std::move(request), done = std::move(done)]() {
    Begin(
        request.name,
        [this, request, done](std::shared_ptr<Operation> operation) {
          if (operation->stream()->record().plan.kind ==
              EmbeddingPlan::Kind::kNone) {
            return done(
                WithReason(absl::FailedPreconditionError(
                               "the stream was made without an embedding plan"),
                           "NO_PLAN"));
          }
          if (request.partial) return ReadPartial(operation, request, done);
          ReadStored(operation, request, absl::nullopt, done);
        },
        done);
  });
}

void CoreEngine::ReadPartial(std::shared_ptr<Operation> operation,
                             ReadEmbeddingsRequest request,
                             Callback<ReadEmbeddingsReply> done) {
  LiveStream& stream = *operation->stream();
  stream.WhenApplied(TimelineReader(), stream.durable(), request.cancelled,
                     [this, operation, request, done](absl::Status status) {
                       if (!status.ok()) return done(status);
                       operation->stream()->timeline()->Partial(
                           [this, operation, request,
                            done](absl::optional<EmbeddingRecord> partial) {
                             ReadStored(operation, request, std::move(partial),
                                        done);
                           });
                     });
}

void CoreEngine::ReadStored(std::shared_ptr<Operation> operation,
                            ReadEmbeddingsRequest request,
                            absl::optional<EmbeddingRecord> partial,
                            Callback<ReadEmbeddingsReply> done) {
  const int longest_piece = TimelineReader().tokenizer().longest_piece();
  const size_t limit = std::min(std::max(request.limit, 1), kEntriesMax);
  context_.Async<std::vector<EmbeddingRecord>>(
      [operation, longest_piece, request, limit]() {
        return ReadTimeline(*operation->context().store,
                            operation->stream()->view(), longest_piece,
                            request.from_token, limit);
      },
      [this, operation, request, partial, limit,
       done](absl::StatusOr<std::vector<EmbeddingRecord>> stored) {
        if (!stored.ok()) return done(stored.status());
        if (IsCancelled(request.cancelled)) {
          return done(absl::CancelledError("the client left"));
        }
        LiveStream& stream = *operation->stream();
        if (stored->empty() && !partial.has_value() && request.follow) {
          // A stream that was deleted has nothing to wait for.
          if (!stream.read_status().ok()) return done(stream.read_status());
          return stream.WaitForSpan([this, operation, request, done]() {
            if (draining_) {
              return done(WithReason(
                  absl::UnavailableError("the server is shutting down"),
                  "DRAINING"));
            }
            ReadStored(operation, request, absl::nullopt, done);
          });
        }
        ReadEmbeddingsReply reply;
        reply.raw = TimelineReader().info().embedding_heads.empty();
        reply.at_end = stored->size() < limit;
        reply.applied = {stream.applied(), stream.Ack().token_offset};
        for (EmbeddingRecord& record : *stored) {
          reply.entries.push_back({std::move(record), false});
        }
        if (reply.at_end && partial.has_value() &&
            partial->token_begin >= request.from_token) {
          reply.entries.push_back({*partial, true});
        }
        done(std::move(reply));
      });
}

}  // namespace oxbow
