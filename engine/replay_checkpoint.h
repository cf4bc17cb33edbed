// A checkpoint made again from the log.
#ifndef OXBOW_ENGINE_REPLAY_CHECKPOINT_H_
#define OXBOW_ENGINE_REPLAY_CHECKPOINT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "engine/engine_context.h"
#include "engine/inbox.h"
#include "engine/reader.h"
#include "store/store_worker.h"
#include "store/stream_store.h"

namespace oxbow {

// Replays logs without an engine, one after the other. One thread only.
// Borrows store and clock; nothing is written.
class CheckpointReplay {
 public:
  // `generator`: a reader of that name, with room for at least three states.
  CheckpointReplay(StreamStore* store, const Clock* clock,
                   std::unique_ptr<Reader> generator);
  ~CheckpointReplay();

  // What the stream's log gives after as many of the generator's tokens as
  // that checkpoint of its has, replayed from the nearest usable one before
  // it. That one is believed: a whole chain of replays begins at the first.
  //
  // DataLoss: the log is damaged, or ends before so many tokens.
  absl::StatusOr<Checkpoint> Replay(const StreamRecord& stream,
                                    const CheckpointHeader& checkpoint);

  const Reader& reader() const { return *reader_; }

 private:
  void RunOnce();

  const std::unique_ptr<Reader> reader_;  // outlives every slot
  Inbox inbox_;
  EngineContext context_;
  std::unique_ptr<StoreWorker> worker_;  // posts to the inbox: ends first
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_REPLAY_CHECKPOINT_H_
