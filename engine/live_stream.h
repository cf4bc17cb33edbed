// An open stream: its log's end, and a state that follows it.
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
#include "engine/cursor.h"
#include "engine/engine_context.h"
#include "engine/log_view.h"
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
// Engine thread only. Held by shared_ptr, by its own pending work too.
class LiveStream : public std::enable_shared_from_this<LiveStream> {
 public:
  LiveStream(const EngineContext* context, StoredStream stored);

  // Takes slots and sets the cursors moving. ResourceExhausted/NO_STATE_SLOT.
  absl::Status Start();
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
  // Not OK: the log cannot be read or written any more.
  absl::Status status() const;

  Cursor& cursor(const Reader& reader);
  // Null without a plan.
  Timeline* timeline() { return timeline_.get(); }

  // Appends text or ids at planned(); begin, sequence, lengths and chain are
  // filled in here. `with` is written together with the record. `done` comes
  // when it is durable, or failed.
  void Append(LogRecord record, StoreBatch with,
              std::function<void(absl::Status)> done);
  int writes_in_flight() const { return writes_in_flight_; }

  // Calls back when the reader's state is exactly that at `target`, which is
  // durable() as it was at some time not before the last call's. Text behind
  // it waits until then.
  void WhenApplied(const Reader& reader, Position target,
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
  void CheckpointAll(std::function<void()> done);
  // Stores `checkpoint`; with savepoints, they are added to those it has.
  void PutCheckpoint(Checkpoint checkpoint,
                     std::function<void(absl::Status)> done);

  // While held, the stream stays open.
  void Hold() { ++holds_; }
  void Release();
  // Nobody uses it and nothing moves.
  bool idle() const;
  absl::Time last_used() const { return last_used_; }

 private:
  struct Waiter {
    Position target;
    std::function<void(absl::Status)> done;
  };
  struct Follower {  // one reader's side of the stream
    Reader* reader = nullptr;
    std::shared_ptr<Cursor> cursor;
    std::deque<Waiter> waiters;
    Position newest_checkpoint;
    uint64_t checkpointed_token = 0;
    int checkpoints_in_flight = 0;
    StoredStream::PerReader stored;
  };

  absl::Status StartFollower(Follower* follower);
  absl::Status StartTimeline(Follower* follower);
  Follower& FollowerOf(const Reader& reader);
  void OnDurable(const std::shared_ptr<const LogRecord>& record);
  void RaiseLimit(Follower* follower);
  void OnMove(Follower* follower);
  void ServeWaiters(Follower* follower);
  void MaybeCheckpoint(Follower* follower);
  void TellWatcher();
  void MaybeQuiet();

  const EngineContext* const context_;
  StreamRecord record_;
  const LogView view_;
  Position durable_;
  Position planned_;
  uint64_t next_sequence_ = 0;
  Digest chain_{};
  int writes_in_flight_ = 0;
  absl::Status log_status_;
  std::vector<std::unique_ptr<Follower>> followers_;
  std::shared_ptr<Timeline> timeline_;
  std::shared_ptr<StreamWatcher> watcher_;  // null: nobody writes
  std::function<void()> when_quiet_;
  int holds_ = 0;
  absl::Time last_used_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_LIVE_STREAM_H_
