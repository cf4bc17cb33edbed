// The open streams.
#ifndef OXBOW_ENGINE_STREAM_TABLE_H_
#define OXBOW_ENGINE_STREAM_TABLE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/engine_context.h"
#include "engine/live_stream.h"
#include "engine/requests.h"

namespace oxbow {

using OnStream =
    std::function<void(absl::StatusOr<std::shared_ptr<LiveStream>>)>;

// Opens streams when they are asked for and closes those nobody uses, after a
// checkpoint: an idle stream costs nothing but disk. As many stay open as are
// in use, which the limits of calls bound; a stream without a state in memory
// is small.
//
// Engine thread only. Borrows the context.
class StreamTable {
 public:
  explicit StreamTable(const EngineContext* context) : context_(context) {}

  // The stream, opened if need be. NotFound/NO_STREAM.
  void Open(const StreamName& name, OnStream done);
  // The stream if it is open, else null.
  std::shared_ptr<LiveStream> Find(const StreamName& name) const;
  // Forgets a stream that is being deleted: its writer is sent away, `quiet`
  // comes once nothing of it is on its way to the log.
  void Drop(const StreamName& name, std::function<void()> quiet);
  // Closes what nobody has used for options.idle_close.
  void CloseIdle();

  // Every writer is sent away with `status`.
  void DismissWriters(const absl::Status& status);
  // Who waits for a state or follows a timeline looks whether the client is
  // still there.
  void WakeReaders();
  bool all_idle() const;
  void CheckpointAll(std::function<void()> done);
  // Stops everything, without checkpoints.
  void StopAll();

 private:
  using Key = std::pair<std::string, std::string>;

  void OnLoaded(const Key& key, absl::StatusOr<StoredStream> stored);
  std::shared_ptr<LiveStream> StartStream(StoredStream stored);
  void CloseLeastRecentlyUsed();
  void Close(std::map<Key, std::shared_ptr<LiveStream>>::iterator stream);

  const EngineContext* const context_;
  std::map<Key, std::shared_ptr<LiveStream>> open_;
  std::map<Key, std::vector<OnStream>> opening_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_STREAM_TABLE_H_
