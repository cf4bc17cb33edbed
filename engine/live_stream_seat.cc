// A live stream's part in the pool: its states come, move and go.
#include <utility>

#include "base/status_macros.h"
#include "engine/live_stream.h"

namespace oxbow {

bool LiveStream::has_work() const {
  for (const auto& follower : followers_) {
    if (!follower->waiters.empty()) return true;
    if (PlaceOf(*follower).applied < durable_) return true;
  }
  return false;
}

void LiveStream::MaybeWant() {
  if (stopped_ || seat_ != Seat::kNone || !read_status().ok()) return;
  bool answers = false;
  for (const auto& follower : followers_) {
    answers = answers || !follower->waiters.empty();
  }
  if (!answers && !has_work()) return;
  const SeatFor reason = answers ? SeatFor::kAnswer : SeatFor::kText;
  if (wants_ == reason || wants_ == SeatFor::kAnswer) return;
  wants_ = reason;
  context_->pool->Want(this, reason);
}

bool LiveStream::TakeSlots(Follower* follower) {
  Reader& reader = *follower->reader;
  const bool probes = MakesTimeline(*context_, reader, record_) &&
                      !reader.info().embedding_heads.empty();
  absl::StatusOr<OwnedSlot> slot = NewSlot(reader);
  if (!slot.ok()) return false;
  follower->slot = *std::move(slot);
  if (!probes) return true;
  absl::StatusOr<OwnedSlot> scratch = NewSlot(reader);
  if (!scratch.ok()) return false;
  follower->scratch = *std::move(scratch);
  return true;
}

bool LiveStream::Sit() {
  for (auto& follower : followers_) {
    if (TakeSlots(follower.get())) continue;
    for (auto& each : followers_) {
      each->slot.Reset();
      each->scratch.Reset();
    }
    return false;
  }
  wants_ = absl::nullopt;
  seat_ = Seat::kLoading;
  struct Wanted {
    const Reader* reader;
    Position target;
    absl::optional<uint64_t> at_token;
  };
  std::vector<Wanted> wanted;
  for (const auto& follower : followers_) {
    wanted.push_back({follower->reader, LimitOf(*follower), absl::nullopt});
    // Its open span is remembered, so that it need not be read again.
    if (MakesTimeline(*context_, *follower->reader, record_)) {
      wanted.back().at_token = follower->stopped_at;
    }
  }
  context_->Async<std::vector<StoredState>>(
      [context = context_, record = record_,
       wanted]() -> absl::StatusOr<std::vector<StoredState>> {
        std::vector<StoredState> states;
        for (const Wanted& each : wanted) {
          ASSIGN_OR_RETURN(StoredState state,
                           LoadState(*context, *each.reader, record,
                                     each.target, each.at_token));
          states.push_back(std::move(state));
        }
        return states;
      },
      [self = shared_from_this()](
          absl::StatusOr<std::vector<StoredState>> states) {
        self->OnLoaded(std::move(states));
      });
  return true;
}

void LiveStream::OnLoaded(absl::StatusOr<std::vector<StoredState>> states) {
  if (stopped_) return;
  if (!states.ok()) return Fail(states.status());
  seat_ = Seat::kTaken;
  for (size_t i = 0; i < followers_.size(); ++i) {
    const absl::Status status =
        StartFollower(followers_[i].get(), (*states)[i]);
    if (!status.ok()) return Fail(status);
  }
  for (auto& follower : followers_) RaiseLimit(follower.get());
}

absl::Status LiveStream::StartFollower(Follower* follower,
                                       const StoredState& state) {
  Cursor::Options options;
  options.border_tokens = context_->options.checkpoint_tokens;
  follower->cursor = std::make_shared<Cursor>(
      context_, follower->reader, view_, std::move(follower->slot), options);
  if (state.checkpoint.has_value()) {
    RETURN_IF_ERROR(follower->cursor->StartAt(*state.checkpoint));
  }
  follower->seated_at = follower->checkpointed_token =
      follower->cursor->token_offset();
  if (MakesTimeline(*context_, *follower->reader, record_)) {
    FollowTimeline(follower, state);
  }
  if (!follower->parted) {
    follower->finder = std::make_shared<BeginningFinder>(
        context_, follower->reader, view_, follower->marks,
        follower->cursor->at());
  }
  // Weak: a stream that is let go must not be kept by its own cursor.
  follower->cursor->set_on_move([weak = weak_from_this(), follower]() {
    if (auto self = weak.lock()) self->OnMove(follower);
  });
  return absl::OkStatus();
}

void LiveStream::FollowTimeline(Follower* follower, const StoredState& state) {
  if (!state.is_at_token) {
    const auto& last = state.last_embedding;
    timeline_ = std::make_shared<Timeline>(
        context_, follower->reader, record_.uid, record_.plan,
        last.has_value() ? last->token_end
                         : FirstToken(*follower->reader, view_),
        last.has_value() ? last->byte_end : view_.begin().byte_offset,
        [weak = weak_from_this()]() {
          if (auto self = weak.lock()) self->WakeReaders();
        });
  }
  timeline_->Follow(follower->cursor.get(), std::move(follower->scratch));
}

void LiveStream::Pause() {
  pausing_ = true;
  for (auto& follower : followers_) MaybePause(follower.get());
}

// At the end of a unit, where a checkpoint can be.
void LiveStream::MaybePause(Follower* follower) {
  if (!pausing_ || follower->cursor == nullptr) return;
  if (follower->cursor->running() || !follower->cursor->at_unit_end()) return;
  follower->cursor->Stop();
  follower->paused = true;
}

bool LiveStream::at_rest() const {
  if (seat_ != Seat::kTaken) return false;
  for (const auto& follower : followers_) {
    const Cursor& cursor = *follower->cursor;
    if (cursor.running() || follower->looking) return false;
    if (follower->paused || !cursor.status().ok()) continue;
    if (!cursor.at_limit() || !follower->waiters.empty()) return false;
  }
  return timeline_ == nullptr || timeline_->idle();
}

bool LiveStream::had_turn(SeatFor waiting) const {
  if (seat_ != Seat::kTaken) return false;
  const EngineOptions& options = context_->options;
  const uint64_t enough = waiting == SeatFor::kAnswer
                              ? options.turn_tokens_before_answer
                              : options.turn_tokens;
  for (const auto& follower : followers_) {
    const Cursor& cursor = *follower->cursor;
    const uint64_t moved = cursor.token_offset() - follower->seated_at;
    if (!cursor.at_limit() && moved < enough) return false;
  }
  return true;
}

void LiveStream::GetUp() {
  // The states are copied now and stored in order before any later read.
  StoreAll(Kept::kUntilNext, []() {});
  if (timeline_ != nullptr) timeline_->LetGo();
  LeaveSeat();
  if (LacksSpans()) ForgetSpans();
  if (!read_status().ok()) TellWaiters(read_status());
  MaybeWant();
}

bool LiveStream::LacksSpans() const {
  return timeline_ != nullptr && timeline_->first_unstored() != nullptr;
}

// What the disk had no room for is computed again, behind what is stored.
void LiveStream::ForgetSpans() {
  const EmbeddingRecord first = *timeline_->first_unstored();
  timeline_->Stop();
  timeline_ = nullptr;
  for (auto& follower : followers_) {
    if (!MakesTimeline(*context_, *follower->reader, record_)) continue;
    follower->stopped_at.reset();
    follower->place = {{first.byte_begin, 0}, first.token_begin, 0};
  }
}

void LiveStream::LeaveSeat() {
  const absl::Status status = CursorStatus();
  if (!status.ok()) EndWriting(status);
  for (auto& follower : followers_) {
    follower->slot.Reset();
    follower->scratch.Reset();
    follower->paused = false;
    follower->finder = nullptr;
    follower->looking = false;
    follower->found.reset();
    if (follower->cursor == nullptr) continue;
    follower->place = PlaceOf(*follower);
    follower->stopped_at = follower->cursor->token_offset();
    follower->cursor->Stop();
    // A page that is being read must not keep it from others; a step must.
    if (!follower->cursor->running()) follower->cursor->TakeSlot();
    follower->cursor = nullptr;
  }
  seat_ = Seat::kNone;
  pausing_ = false;
  wants_ = absl::nullopt;
  context_->pool->Leave(this);
}

// As a log that failed: the stream is opened anew before anything else.
void LiveStream::Fail(const absl::Status& status) {
  const auto self = shared_from_this();
  EndWriting(status);
  if (timeline_ != nullptr) timeline_->Stop();
  LeaveSeat();
  TellWaiters(status);
  TellWatcher();
}

}  // namespace oxbow
