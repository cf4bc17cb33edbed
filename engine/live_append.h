// One Append call on the engine thread.
#ifndef OXBOW_ENGINE_LIVE_APPEND_H_
#define OXBOW_ENGINE_LIVE_APPEND_H_

#include <deque>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "engine/engine.h"
#include "engine/engine_context.h"
#include "engine/live_stream.h"

namespace oxbow {

// Checks each chunk against the log's end, in order, and appends what is new.
//
//   at the end           appended
//   behind it            compared with the log; what is new is appended,
//                        nothing if nothing is; CHUNK_CONFLICT if it differs
//   past it              OFFSET_GAP
//
// The public calls come from any thread and are carried to the engine's; the
// rest runs there. Held by shared_ptr, by its own pending work and, while it
// writes, by its stream: the call goes on when its client lets go of it.
class LiveAppend : public AppendSession,
                   public StreamWatcher,
                   public std::enable_shared_from_this<LiveAppend> {
 public:
  // `on_end` is told once, when the call is over.
  LiveAppend(const EngineContext* context, Observer* observer,
             absl::optional<Position> last_durable,
             std::function<void()> on_end);

  void Write(AppendChunk chunk) override;
  void Close() override;
  void Cancel() override;

  // Engine thread from here on.
  void Begin(std::shared_ptr<LiveStream> stream);
  // Ends the call.
  void End(const absl::Status& status);
  void OnMoved() override;
  void OnDismissed(const absl::Status& status) override;

 private:
  absl::Status Check(const AppendChunk& chunk) const;
  void TakeChunk();
  void AppendNew(AppendChunk chunk);
  void Compare(AppendChunk chunk);
  void ChunkTaken();
  void MaybeReady();
  void MaybeFinish();

  const EngineContext* const context_;
  Observer* observer_;  // null once the call has ended
  const absl::optional<Position> last_durable_;
  std::function<void()> on_end_;
  std::shared_ptr<LiveStream> stream_;
  std::deque<AppendChunk> chunks_;
  bool busy_ = false;        // a chunk is being compared
  bool owes_ready_ = false;  // a chunk was taken, OnReady not yet given
  bool begun_ = false;       // the first ack was given
  bool closed_ = false;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_LIVE_APPEND_H_
