// A store's streams under another model.
#ifndef OXBOW_ENGINE_REBUILD_H_
#define OXBOW_ENGINE_REBUILD_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "store/stream_store.h"

namespace oxbow {

struct RebuildOptions {
  std::string tenant = "default";
  EngineOptions engine;
  // Leave out streams that begin as imported states, instead of refusing.
  bool leave_imported_out = false;
  // Called before each stream is read, with how many are done; may be empty.
  std::function<void(int done, int total)> on_progress;
};

struct RebuildReport {
  int streams = 0;
  int savepoints = 0;
  std::vector<std::string> left_out;  // names
};

// Makes `to`, an empty store, hold the streams of `from` as these models read
// them. Names, offsets in bytes, logs, forks and savepoints stay; states and
// timelines are made anew, from the logs. `from` is only read. Results of
// request ids are not taken along: they are the old model's.
//
// FailedPrecondition: a stream begins as an imported state, whose text is not
// here (all are named); a log has token ids that the new tokenizer has not, or
// whose bytes are not as many; a plan's prefix, and no model that embeds.
// DataLoss: a log is damaged. Whatever fails, `to` is not to be used.
absl::StatusOr<RebuildReport> Rebuild(StreamStore& from, StreamStore* to,
                                      ReaderSpec generator,
                                      absl::optional<ReaderSpec> embedder,
                                      const Clock* clock,
                                      const RebuildOptions& options);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_REBUILD_H_
