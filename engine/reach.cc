#include "engine/reach.h"

#include <utility>

#include "engine/error_reason.h"
#include "engine/find_checkpoint.h"
#include "engine/operation.h"

namespace oxbow {
namespace {

using OnCursor = std::function<void(absl::StatusOr<std::shared_ptr<Cursor>>)>;

// What a replay needs, found on the store's thread.
struct Start {
  Position target;
  absl::optional<Checkpoint> checkpoint;
};

absl::StatusOr<Start> FindStart(const EngineContext& context,
                                const LiveStream& stream, Position durable,
                                const ReachOptions& options, PointEnd end) {
  const Reader& reader = *options.reader;
  absl::StatusOr<Position> target =
      ResolveAt(*context.store, context.generator->tokenizer(), stream.view(),
                options.at, durable);
  if (!target.ok()) return target.status();
  FindCheckpointOptions find = CheckpointsOf(reader);
  find.target = *target;
  find.end = end;
  if (options.listener != nullptr) find.byte_offset_max = options.from_byte;
  absl::StatusOr<absl::optional<Checkpoint>> checkpoint =
      FindCheckpoint(*context.store, stream.view(), find);
  if (!checkpoint.ok()) return checkpoint.status();
  return Start{*target, *std::move(checkpoint)};
}

// Sets a cursor of its own moving from `start` to its target.
void Replay(const EngineContext* context,
            const std::shared_ptr<LiveStream>& stream, ReachOptions options,
            PointEnd end, Start start, OnCursor done) {
  absl::StatusOr<OwnedSlot> slot = NewSlot(*options.reader);
  if (!slot.ok()) return done(slot.status());
  auto cursor =
      std::make_shared<Cursor>(context, options.reader, stream->view(),
                               *std::move(slot), Cursor::Options());
  if (start.checkpoint.has_value()) {
    const absl::Status status = cursor->StartAt(*start.checkpoint);
    if (!status.ok()) return done(status);
  }
  cursor->set_listener(options.listener);
  if (end == PointEnd::kClosed) cursor->EndTextAtLimit();
  cursor->set_on_move([weak = std::weak_ptr<Cursor>(cursor), stream,
                       cancelled = options.cancelled, done]() {
    const std::shared_ptr<Cursor> self = weak.lock();
    if (IsCancelled(cancelled)) {
      self->Stop();
      return done(absl::CancelledError("the client left"));
    }
    const bool failed = !self->status().ok();
    if (!failed && !self->at_limit()) return;
    self->Stop();
    if (failed) return done(self->status());
    done(self);
  });
  // Kept alive until it is there; a cursor that has nothing to do tells at
  // once.
  cursor->SetLimit(start.target);
}

void ReachByReplay(
    const EngineContext* context, std::shared_ptr<LiveStream> stream,
    ReachOptions options, PointEnd end,
    std::function<void(absl::StatusOr<std::shared_ptr<Cursor>>, Position)>
        done) {
  const Position durable = stream->durable();
  context->Async<Start>(
      [context, stream, durable, options, end]() {
        return FindStart(*context, *stream, durable, options, end);
      },
      [context, stream, options, end,
       done = std::move(done)](absl::StatusOr<Start> start) {
        if (!start.ok()) return done(start.status(), Position());
        const Position target = start->target;
        Replay(context, stream, options, end, *std::move(start),
               [done, target](absl::StatusOr<std::shared_ptr<Cursor>> cursor) {
                 done(std::move(cursor), target);
               });
      });
}

// A copy of the head's state; undecided bytes become tokens on the copy.
void CopyHead(const Cursor& cursor, Reader* reader, Position target,
              std::function<void(absl::StatusOr<ReachedState>)> done) {
  absl::StatusOr<OwnedSlot> slot = CopySlot(*reader, cursor.slot());
  if (!slot.ok()) return done(slot.status());
  TokenFeed feed = cursor.feed();
  feed.AddSeam();
  auto state = std::make_shared<ReachedState>();
  state->slot = *std::move(slot);
  state->point.position = target;
  state->point.token_offset = cursor.token_offset() + feed.decided().size();
  Run run;
  run.slot = state->slot.get();
  run.priority = Priority::kInteractive;
  run.tokens = feed.lead();
  for (const FedToken& token : feed.decided()) run.tokens.push_back(token.id);
  if (run.tokens.empty()) return done(std::move(*state));
  run.on_done = [state, done = std::move(done)](absl::Span<const float>) {
    done(std::move(*state));
  };
  reader->Submit(std::move(run));
}

}  // namespace

void ReachState(const EngineContext* context,
                std::shared_ptr<LiveStream> stream, ReachOptions options,
                std::function<void(absl::StatusOr<ReachedState>)> done) {
  Reader* const reader = options.reader;
  const bool at_head = options.at.kind == At::Kind::kHead ||
                       (options.at.kind == At::Kind::kPosition &&
                        options.at.position == stream->durable());
  if (at_head && options.listener == nullptr) {
    const Position target = stream->durable();
    stream->WhenApplied(
        *reader, target, options.cancelled,
        [stream, reader, target, done = std::move(done)](absl::Status status) {
          if (!status.ok()) return done(status);
          CopyHead(stream->cursor(*reader), reader, target, done);
        });
    return;
  }
  ReachByReplay(
      context, std::move(stream), std::move(options), PointEnd::kClosed,
      [done = std::move(done)](absl::StatusOr<std::shared_ptr<Cursor>> cursor,
                               Position target) {
        if (!cursor.ok()) return done(cursor.status());
        ReachedState state;
        state.point = {target, (*cursor)->token_offset()};
        state.slot = (*cursor)->TakeSlot();
        done(std::move(state));
      });
}

void ReachOpenEnd(
    const EngineContext* context, std::shared_ptr<LiveStream> stream,
    ReachOptions options,
    std::function<void(absl::StatusOr<const Cursor*>, Position position)>
        done) {
  Reader* const reader = options.reader;
  if (options.at.kind == At::Kind::kHead) {
    const Position target = stream->durable();
    stream->WhenApplied(
        *reader, target, options.cancelled,
        [stream, reader, target, done = std::move(done)](absl::Status status) {
          if (!status.ok()) return done(status, target);
          done(&stream->cursor(*reader), target);
        });
    return;
  }
  ReachByReplay(
      context, std::move(stream), std::move(options), PointEnd::kOpen,
      [done = std::move(done)](absl::StatusOr<std::shared_ptr<Cursor>> cursor,
                               Position target) {
        if (!cursor.ok()) return done(cursor.status(), target);
        done(static_cast<const Cursor*>(cursor->get()), target);
      });
}

}  // namespace oxbow
