// An open stream: its log's end, and states that follow it when they have
// slots.
#ifndef OXBOW_ENGINE_LIVE_STREAM_H_
#define OXBOW_ENGINE_LIVE_STREAM_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "engine/beginning_finder.h"
#include "engine/beginning_marks.h"
#include "engine/cursor.h"
#include "engine/engine_context.h"
#include "engine/log_view.h"
#include "engine/state_pool.h"
#include "engine/stored_stream.h"
#include "engine/timeline.h"
#include "store/records.h"

namespace oxbow {

// Somebody who wants to know that a stream moved. Told on the engine thread.
class StreamWatcher {
 public:
  virtual ~StreamWatcher() = default;
  // Durable, applied or checkpoint offsets changed, or the stream broke.
  virtual void OnMoved() = 0;
  // The stream is not the watcher's any more: a newer writer took it over, it
  // was deleted, the server is draining.
  virtual void OnDismissed(const absl::Status& status) = 0;
};

// Everything between a stream's log and its states: appends go to the log
// thread; what is durable is offered to one cursor a reader; every
// checkpoint_tokens tokens a state goes to the store.
//
// The log's end is always here, so that appends never wait for a model. The
// states are here only while the stream has a seat of the pool, which it wants
// as soon as there is text to read or an answer to give. Without one each
// follower remembers where it stopped, and the timeline its open span.
//
// Engine thread only. Held by shared_ptr, by its own pending work too.
class LiveStream : public PoolMember,
                   public std::enable_shared_from_this<LiveStream> {
 public:
  LiveStream(const EngineContext* context, StoredStream stored);
  ~LiveStream() override;

  // Reads on from where its newest checkpoints are.
  void Start() { MaybeWant(); }
  // Lets go of cursors, timeline and writer. What is dirty is not checkpointed.
  void Stop();

  const StreamRecord& record() const { return record_; }
  const LogView& view() const { return view_; }
  StreamName name() const { return {record_.tenant, record_.name}; }
  Position durable() const { return durable_; }
  // Where the next append goes: durable, and what is on its way to the log.
  Position planned() const { return planned_; }
  Position applied() const;
  Position checkpoint() const;
  AppendAck Ack() const;
  // Not OK: the log cannot be read or written any more, or the disk is full and
  // records are still on their way to be refused, too.
  absl::Status status() const;
  // Not OK: the log cannot be read any more.
  absl::Status read_status() const;

  // Of a stream with a seat: within what WhenApplied calls it has one.
  Cursor& cursor(const Reader& reader);
  // The same; null without a plan.
  Timeline* timeline() { return timeline_.get(); }
  // Calls back once a span of the timeline that was not stored is, or when
  // WakeReaders() says that it is time to look again.
  void WaitForSpan(std::function<void()> done) {
    span_waiters_.push_back(std::move(done));
  }
  // Tells those who wait for a state or a span and do not want it any more, or
  // may not.
  void WakeReaders();

  // Appends text or ids at planned(); begin, sequence, lengths and chain are
  // filled in here. `with` is written together with the record. `done` comes
  // when it is durable, or failed.
  void Append(LogRecord record, StoreBatch with,
              std::function<void(absl::Status)> done);
  int writes_in_flight() const { return writes_in_flight_; }

  // Calls back when the reader's state is exactly that at `target`, which is
  // durable() as it was at some time not before the last call's. Text behind
  // it waits until then. Cancelled once WakeReaders() sees the flag.
  void WhenApplied(const Reader& reader, Position target, CancelFlag cancelled,
                   std::function<void(absl::Status)> done);

  // Makes `watcher` the writer; the writer before is told. The epoch rises;
  // `done` comes once that is durable. Shared, because who asked for the writer
  // may let go of it at any time, from any thread: the stream keeps it until it
  // leaves, is dismissed, or the stream stops.
  void TakeOver(std::shared_ptr<StreamWatcher> watcher,
                std::function<void(absl::Status)> done);
  void Leave(const StreamWatcher* watcher);
  // Sends the writer away with `status`.
  void Dismiss(const absl::Status& status);
  // No append is taken any more; `quiet` comes once none is on its way.
  void Refuse(const absl::Status& status, std::function<void()> quiet);
  uint64_t epoch() const { return record_.epoch; }

  // Stores the state of every reader that moved since its last checkpoint.
  void CheckpointAll(std::function<void()> done) {
    StoreAll(Kept::kForGood, std::move(done));
  }
  // Stores `checkpoint`; with savepoints, they are added to those it has.
  void PutCheckpoint(Checkpoint checkpoint,
                     std::function<void(absl::Status)> done) {
    StoreCheckpoint(std::move(checkpoint), Kept::kForGood, std::move(done));
  }

  // While held, the stream stays open; its states may come and go.
  void Hold() { ++holds_; }
  void Release();
  // Nobody uses it and nothing is left to do.
  bool idle() const;
  // Nobody uses it and nothing moves: what is left to do may as well be done
  // when it is opened again.
  bool unused() const;

  // PoolMember; the pool's own, but for last_used().
  bool Sit() override;
  void GetUp() override;
  void Pause() override;
  bool at_rest() const override;
  bool had_turn(SeatFor waiting) const override;
  bool held() const override { return holds_ > 0; }
  absl::Time last_used() const override { return last_used_; }

 private:
  enum class Seat { kNone, kLoading, kTaken };
  // A state that went to the store for its slot only is kept until the next
  // one: else a stream that often goes would leave hundreds.
  enum class Kept { kForGood, kUntilNext };
  struct Waiter {
    Position target;
    CancelFlag cancelled;
    std::function<void(absl::Status)> done;
  };
  // Where a follower stands, or stood when its state went to the store.
  struct Place {
    Position applied;
    uint64_t token_offset = 0;
    size_t undecided_bytes = 0;
  };
  struct Follower {  // one reader's side of the stream
    Follower(Reader* its_reader, BeginningMarks its_marks)
        : reader(its_reader), marks(std::move(its_marks)) {}

    Reader* const reader;
    const BeginningMarks marks;
    std::shared_ptr<Cursor> cursor;  // null: its state is in the store
    Place place;                     // while it is
    // While it looks, and until the cursor was told what it found, the cursor
    // is held. Null: without a seat, or once `parted`.
    std::shared_ptr<BeginningFinder> finder;
    bool looking = false;
    absl::optional<BeginningFinder::Found> found;
    bool parted = false;  // there is nothing to find any more
    // The token where it stopped; nullopt: it has not had a seat yet.
    absl::optional<uint64_t> stopped_at;
    uint64_t seated_at = 0;  // the token
    bool paused = false;     // the cursor stands still for good
    OwnedSlot slot;          // while the state is being loaded
    OwnedSlot scratch;       // the same, for the timeline
    std::deque<Waiter> waiters;
    Position newest_checkpoint;
    uint64_t checkpointed_token = 0;
    // The token of one that is kept until there is a newer one.
    absl::optional<uint64_t> passing_token;
    int checkpoints_in_flight = 0;
    std::vector<Beginning> beginnings;  // of checkpoints that were left out
  };

  bool TakeSlots(Follower* follower);
  void OnLoaded(absl::StatusOr<std::vector<StoredState>> states);
  absl::Status StartFollower(Follower* follower, const StoredState& state);
  void FollowTimeline(Follower* follower, const StoredState& state);
  void MaybePause(Follower* follower);
  // Its cursors go, and with them their slots.
  void LeaveSeat();
  void Fail(const absl::Status& status);
  void TellWaiters(const absl::Status& status);
  void DropCancelled(Follower* follower);
  bool has_work() const;
  void MaybeWant();
  static Place PlaceOf(const Follower& follower);
  Follower& FollowerOf(const Reader& reader);
  // Where a follower may read to.
  Position LimitOf(const Follower& follower) const;
  void OnDurable(const std::shared_ptr<const LogRecord>& record);
  void RaiseLimit(Follower* follower);
  void MaybeLook(Follower* follower);
  void OnLooked(Follower* follower, const BeginningFinder* finder,
                BeginningFinder::Found found);
  void MaybeTakeFound(Follower* follower);
  void TakeFound(Follower* follower);
  void AddBeginnings(const Follower& follower, uint64_t token,
                     const Digest& id_chain,
                     std::vector<Beginning>* beginnings) const;
  void OnMove(Follower* follower);
  void ServeWaiters(Follower* follower);
  void MaybeCheckpoint(Follower* follower);
  void StoreAll(Kept kept, std::function<void()> done);
  void StoreCheckpoint(Checkpoint checkpoint, Kept kept,
                       std::function<void(absl::Status)> done);
  void TellWatcher();
  void MaybeQuiet();
  void MaybeGoOn();
  absl::Status CursorStatus() const;
  // Nothing is appended any more, for that reason or an earlier one.
  void EndWriting(const absl::Status& status);
  // Whether spans of the timeline wait for room on the disk. No state behind
  // them is stored: who loads it would not compute them.
  bool LacksSpans() const;
  void ForgetSpans();

  const EngineContext* const context_;
  StreamRecord record_;
  const LogView view_;
  Position durable_;
  Position planned_;
  uint64_t next_sequence_ = 0;
  Digest chain_{};
  // The same at durable_.
  uint64_t durable_next_sequence_ = 0;
  Digest durable_chain_{};
  int writes_in_flight_ = 0;
  absl::Status log_status_;
  // It says that the disk is full. Nothing of what was refused is in the log,
  // so the stream goes on where that ends, once no record is on its way.
  bool lacks_space_ = false;
  std::vector<std::unique_ptr<Follower>> followers_;
  std::shared_ptr<Timeline> timeline_;  // null until the first seat
  std::vector<std::function<void()>> span_waiters_;
  Seat seat_ = Seat::kNone;
  bool pausing_ = false;
  absl::optional<SeatFor> wants_;  // what the pool knows
  bool stopped_ = false;
  std::shared_ptr<StreamWatcher> watcher_;  // null: nobody writes
  std::function<void()> when_quiet_;
  int holds_ = 0;
  absl::Time last_used_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_LIVE_STREAM_H_
