// Takes over what streams that begin alike have computed already.
#ifndef OXBOW_ENGINE_BEGINNING_FINDER_H_
#define OXBOW_ENGINE_BEGINNING_FINDER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "engine/beginning_marks.h"
#include "engine/engine_context.h"
#include "engine/log_view.h"
#include "engine/read_point.h"
#include "engine/reader.h"
#include "store/records.h"

namespace oxbow {

// Looks along the log of one stream, ahead of its cursor and without a model:
// text becomes tokens, tokens a digest, and at each border the digest is looked
// up. As long as another stream has it, that one's checkpoint (and, with a
// timeline, its spans) are copied, so that this stream depends on nobody. The
// first border that nobody else has is where this stream is the first, and ends
// the search.
//
// Only ever a short cut: what is copied is what this stream would compute, bit
// for bit; whatever goes wrong ends the search, and the stream computes.
//
// Engine thread only, but for what it does on the store's. Held by shared_ptr.
class BeginningFinder : public std::enable_shared_from_this<BeginningFinder> {
 public:
  struct Found {
    // The furthest state to go on from, the stream's own by now; nullopt: none
    // further than the cursor.
    absl::optional<Checkpoint> checkpoint;
    // Spans are stored up to here.
    uint64_t spans_token = 0;
    uint64_t spans_byte = 0;
  };
  // Where the cursor and the timeline are as a look begins.
  struct Ahead {
    Position limit;
    uint64_t cursor_token = 0;
    uint64_t spans_token = 0;  // where the first span not yet stored begins
    uint64_t spans_byte = 0;
  };

  // `start`: where the stream's cursor begins.
  BeginningFinder(const EngineContext* context, const Reader* reader,
                  const LogView& view, BeginningMarks marks, ReadPoint start);

  // Nothing will be found any more: the stream is the first to come here. No
  // look is on.
  bool over() const { return over_; }
  // Whether a look up to `limit` could find anything. No look is on.
  bool MayFind(Position limit) const;
  // `done` comes on the engine thread. No look is on.
  void Look(const Ahead& ahead, std::function<void(Found)> done);

 private:
  enum class Stop { kPart, kLimit, kFirst };

  void LookPart(std::function<void(Found)> done);

  // Store's thread, from here on.
  absl::StatusOr<Stop> Walk();
  // Takes over what others have at this border; false if nobody has it.
  absl::StatusOr<bool> TakeOver();
  absl::Status CopyState(const std::vector<Beginning>& holders);
  absl::Status CopySpans(const std::vector<Beginning>& holders);
  absl::Status Offer();
  bool IsState(const CheckpointHeader& header) const;
  absl::StatusOr<Found> Furthest();

  const EngineContext* const context_;
  const Reader* const reader_;
  const LogView view_;
  const BeginningMarks marks_;
  ReadPoint point_;
  bool following_ = false;  // somebody had the last border
  bool over_ = false;
  Ahead ahead_;
  std::vector<uint64_t> tokens_;  // of own checkpoints ahead of the cursor
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_BEGINNING_FINDER_H_
