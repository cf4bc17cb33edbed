#include "engine/live_stream.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "engine/error_reason.h"
#include "engine/measure_record.h"
#include "engine/put_checkpoint.h"

namespace oxbow {
namespace {

// Checkpoints of one reader on their way to the store. Past this the next one
// is left out: the stream is faster than the disk, and replay is longer.
constexpr int kCheckpointsInFlightMax = 4;

}  // namespace

LiveStream::LiveStream(const EngineContext* context, StoredStream stored)
    : context_(context),
      record_(std::move(stored.record)),
      view_(record_),
      durable_(HeadOf(record_, stored.last)),
      planned_(durable_),
      last_used_(context->clock->Now()) {
  if (stored.last.has_value()) {
    next_sequence_ = durable_next_sequence_ = stored.last->sequence + 1;
    chain_ = durable_chain_ = stored.last->chain;
  }
  const auto add = [this](Reader* reader,
                          const StoredStream::PerReader& newest) {
    auto follower = std::make_unique<Follower>(
        reader, BeginningMarks(record_, reader->name(),
                               MakesTimeline(*context_, *reader, record_)));
    follower->newest_checkpoint = newest.newest;
    follower->place.applied = newest.newest;
    follower->place.token_offset = newest.token_offset;
    followers_.push_back(std::move(follower));
  };
  add(context_->generator, stored.generator);
  if (context_->embedder != nullptr) {
    add(context_->embedder, stored.embedder);
  }
}

LiveStream::~LiveStream() { context_->pool->Leave(this); }

void LiveStream::Stop() {
  stopped_ = true;
  if (timeline_ != nullptr) timeline_->Stop();
  LeaveSeat();
  TellWaiters(absl::UnavailableError("the stream was closed"));
  WakeReaders();
  watcher_ = nullptr;  // It holds the stream.
}

LiveStream::Place LiveStream::PlaceOf(const Follower& follower) {
  if (follower.cursor == nullptr) return follower.place;
  const Cursor& cursor = *follower.cursor;
  return {cursor.applied(), cursor.token_offset(), cursor.undecided().size()};
}

Position LiveStream::applied() const {
  Position applied = durable_;
  for (const auto& follower : followers_) {
    applied = std::min(applied, PlaceOf(*follower).applied);
  }
  return applied;
}

Position LiveStream::checkpoint() const {
  Position checkpoint = durable_;
  for (const auto& follower : followers_) {
    checkpoint = std::min(checkpoint, follower->newest_checkpoint);
  }
  return checkpoint;
}

AppendAck LiveStream::Ack() const {
  const Place generator = PlaceOf(*followers_.front());
  AppendAck ack;
  ack.durable = durable_;
  ack.applied = applied();
  ack.checkpoint = checkpoint();
  ack.undecided_bytes = generator.undecided_bytes;
  ack.token_offset = generator.token_offset;
  return ack;
}

absl::Status LiveStream::status() const {
  RETURN_IF_ERROR(log_status_);
  return CursorStatus();
}

absl::Status LiveStream::read_status() const {
  return lacks_space_ ? CursorStatus() : status();
}

absl::Status LiveStream::CursorStatus() const {
  for (const auto& follower : followers_) {
    if (follower->cursor == nullptr) continue;
    RETURN_IF_ERROR(follower->cursor->status());
  }
  return absl::OkStatus();
}

LiveStream::Follower& LiveStream::FollowerOf(const Reader& reader) {
  for (auto& follower : followers_) {
    if (follower->reader == &reader) return *follower;
  }
  OXBOW_CHECK(false) << "no such reader: " << reader.name();
  return *followers_.front();
}

Cursor& LiveStream::cursor(const Reader& reader) {
  const Follower& follower = FollowerOf(reader);
  OXBOW_CHECK(follower.cursor != nullptr) << "a stream without a seat";
  return *follower.cursor;
}

void LiveStream::Append(LogRecord record, StoreBatch with,
                        std::function<void(absl::Status)> done) {
  if (!log_status_.ok()) return done(log_status_);
  record.begin = planned_;
  record.sequence = next_sequence_++;
  record.epoch = record_.epoch;
  MeasureRecord(context_->generator->tokenizer(), &record);
  record.chain = chain_ = ChainDigest(chain_, record);
  planned_ = record.End();
  ++writes_in_flight_;
  with.appends.push_back({record_.uid, record});
  const auto shared = std::make_shared<const LogRecord>(std::move(record));
  context_->Log(std::move(with), [self = shared_from_this(), shared,
                                  done = std::move(done)](absl::Status status) {
    --self->writes_in_flight_;
    if (status.ok()) {
      self->OnDurable(shared);
    } else if (self->log_status_.ok()) {
      // What followed it in the queue failed with it; unless it is the disk
      // that is full, the stream is opened anew before anything else is
      // written.
      self->log_status_ = status;
      self->lacks_space_ = absl::IsResourceExhausted(status);
    }
    done(status);
    self->TellWatcher();
    self->MaybeGoOn();
    self->MaybeQuiet();
  });
}

void LiveStream::MaybeGoOn() {
  if (!lacks_space_ || writes_in_flight_ > 0) return;
  lacks_space_ = false;
  log_status_ = absl::OkStatus();
  planned_ = durable_;
  next_sequence_ = durable_next_sequence_;
  chain_ = durable_chain_;
}

void LiveStream::OnDurable(const std::shared_ptr<const LogRecord>& record) {
  durable_ = record->End();
  durable_next_sequence_ = record->sequence + 1;
  durable_chain_ = record->chain;
  last_used_ = context_->clock->Now();
  for (auto& follower : followers_) {
    if (follower->cursor != nullptr) follower->cursor->Offer(record);
    RaiseLimit(follower.get());
  }
  MaybeWant();
}

Position LiveStream::LimitOf(const Follower& follower) const {
  return follower.waiters.empty() ? durable_ : follower.waiters.front().target;
}

void LiveStream::RaiseLimit(Follower* follower) {
  if (follower->cursor == nullptr) return;
  MaybeLook(follower);
  follower->cursor->SetLimit(LimitOf(*follower));
}

void LiveStream::WhenApplied(const Reader& reader, Position target,
                             CancelFlag cancelled,
                             std::function<void(absl::Status)> done) {
  if (!read_status().ok()) return done(read_status());
  Follower& follower = FollowerOf(reader);
  follower.waiters.push_back({target, std::move(cancelled), std::move(done)});
  ServeWaiters(&follower);
  MaybeWant();
}

void LiveStream::OnMove(Follower* follower) {
  MaybeCheckpoint(follower);
  MaybeTakeFound(follower);
  ServeWaiters(follower);
  TellWatcher();
  MaybePause(follower);
}

void LiveStream::ServeWaiters(Follower* follower) {
  const auto self = shared_from_this();
  while (!follower->waiters.empty() && follower->cursor != nullptr) {
    const absl::Status status = follower->cursor->status();
    const bool there =
        follower->cursor->at_limit() &&
        follower->waiters.front().target <= follower->cursor->applied();
    if (status.ok() && !there) return;
    const Waiter waiter = std::move(follower->waiters.front());
    follower->waiters.pop_front();
    waiter.done(status);
    // What waited behind the target may be read now.
    if (status.ok()) RaiseLimit(follower);
  }
}

void LiveStream::MaybeCheckpoint(Follower* follower) {
  const Cursor& cursor = *follower->cursor;
  if (!cursor.at_border() || cursor.running() ||
      cursor.token_offset() == follower->checkpointed_token || LacksSpans()) {
    return;
  }
  if (follower->checkpoints_in_flight >= kCheckpointsInFlightMax) {
    AddBeginnings(*follower, cursor.token_offset(), cursor.id_chain(),
                  &follower->beginnings);
    return;
  }
  PutCheckpoint(follower->cursor->MakeCheckpoint(record_.uid),
                [](absl::Status) {});
}

void LiveStream::StoreCheckpoint(Checkpoint checkpoint, Kept kept,
                                 std::function<void(absl::Status)> done) {
  Follower* follower = nullptr;
  for (auto& each : followers_) {
    if (each->reader->name() == checkpoint.header.reader) follower = each.get();
  }
  const Position position = checkpoint.header.position;
  const uint64_t token = checkpoint.header.token_offset;
  ++follower->checkpoints_in_flight;
  absl::optional<uint64_t> replaced;
  if (follower->passing_token <= token) {
    replaced = std::exchange(follower->passing_token, absl::nullopt);
  }
  if (kept == Kept::kUntilNext) follower->passing_token = token;
  if (token > follower->checkpointed_token) {
    follower->checkpointed_token = token;
  }
  auto shared = std::make_shared<Checkpoint>(std::move(checkpoint));
  std::vector<Beginning> beginnings;
  beginnings.swap(follower->beginnings);
  if (kept == Kept::kForGood) {
    AddBeginnings(*follower, token, shared->header.id_chain, &beginnings);
  }
  context_->Async<bool>(
      [context = context_, shared, replaced,
       beginnings]() -> absl::StatusOr<bool> {
        const absl::Status status = PutCheckpointAndTrim(
            *context->store, std::move(*shared),
            context->options.checkpoints_max, replaced, beginnings);
        if (!status.ok()) return status;
        return true;
      },
      [self = shared_from_this(), follower, position,
       done = std::move(done)](absl::StatusOr<bool> put) {
        --follower->checkpoints_in_flight;
        if (put.ok() && follower->newest_checkpoint < position) {
          follower->newest_checkpoint = position;
        }
        done(put.status());
        self->TellWatcher();
      });
}

void LiveStream::StoreAll(Kept kept, std::function<void()> done) {
  // Else nobody would know that there are spans to be computed before it.
  if (LacksSpans()) return done();
  auto left = std::make_shared<int>(1);
  const auto one_done = [left, done = std::move(done)]() {
    if (--*left == 0) done();
  };
  for (auto& follower : followers_) {
    if (follower->cursor == nullptr) continue;
    const Cursor& cursor = *follower->cursor;
    if (cursor.running() || !cursor.status().ok() || !cursor.at_unit_end() ||
        cursor.token_offset() == follower->checkpointed_token) {
      continue;
    }
    ++*left;
    StoreCheckpoint(cursor.MakeCheckpoint(record_.uid), kept,
                    [one_done](absl::Status) { one_done(); });
  }
  one_done();
}

void LiveStream::TakeOver(std::shared_ptr<StreamWatcher> watcher,
                          std::function<void(absl::Status)> done) {
  Dismiss(
      WithReason(absl::AbortedError("a newer Append call took the stream over"),
                 "STALE_EPOCH"));
  watcher_ = std::move(watcher);
  ++record_.epoch;
  StoreBatch batch;
  batch.put_streams.push_back(record_);
  ++writes_in_flight_;
  context_->Log(std::move(batch), [self = shared_from_this(),
                                   done = std::move(done)](absl::Status s) {
    --self->writes_in_flight_;
    done(s);
    self->MaybeGoOn();
    self->MaybeQuiet();
  });
}

void LiveStream::Dismiss(const absl::Status& status) {
  const auto watcher = std::exchange(watcher_, nullptr);
  if (watcher != nullptr) watcher->OnDismissed(status);
}

void LiveStream::Refuse(const absl::Status& status,
                        std::function<void()> quiet) {
  EndWriting(status);
  Dismiss(status);
  when_quiet_ = std::move(quiet);
  MaybeQuiet();
}

void LiveStream::EndWriting(const absl::Status& status) {
  if (log_status_.ok() || lacks_space_) log_status_ = status;
  lacks_space_ = false;
}

void LiveStream::MaybeQuiet() {
  if (writes_in_flight_ > 0 || !when_quiet_) return;
  const std::function<void()> quiet = std::move(when_quiet_);
  when_quiet_ = nullptr;
  quiet();
}

void LiveStream::Leave(const StreamWatcher* watcher) {
  if (watcher_.get() == watcher) watcher_ = nullptr;
  last_used_ = context_->clock->Now();
}

void LiveStream::TellWatcher() {
  const auto watcher = watcher_;  // It may leave while it is told.
  if (watcher != nullptr) watcher->OnMoved();
}

void LiveStream::Release() {
  --holds_;
  last_used_ = context_->clock->Now();
}

bool LiveStream::unused() const {
  if (holds_ > 0 || watcher_ != nullptr || writes_in_flight_ > 0) return false;
  for (const auto& follower : followers_) {
    if (!follower->waiters.empty()) return false;
  }
  return seat_ == Seat::kNone || at_rest();
}

bool LiveStream::idle() const {
  return unused() && (!has_work() || !status().ok());
}

void LiveStream::TellWaiters(const absl::Status& status) {
  for (auto& follower : followers_) {
    std::deque<Waiter> waiters;
    waiters.swap(follower->waiters);
    for (Waiter& waiter : waiters) waiter.done(status);
  }
}

void LiveStream::DropCancelled(Follower* follower) {
  const auto kept = std::stable_partition(
      follower->waiters.begin(), follower->waiters.end(),
      [](const Waiter& waiter) { return !IsCancelled(waiter.cancelled); });
  if (kept == follower->waiters.end()) return;
  const std::vector<Waiter> dropped(
      std::make_move_iterator(kept),
      std::make_move_iterator(follower->waiters.end()));
  follower->waiters.erase(kept, follower->waiters.end());
  for (const Waiter& waiter : dropped) {
    waiter.done(absl::CancelledError("the client left"));
  }
  RaiseLimit(follower);
}

void LiveStream::WakeReaders() {
  for (auto& follower : followers_) DropCancelled(follower.get());
  std::vector<std::function<void()>> span_waiters;
  span_waiters.swap(span_waiters_);
  for (const auto& done : span_waiters) done();
  if (timeline_ != nullptr) timeline_->StoreAgain();
}

}  // namespace oxbow
