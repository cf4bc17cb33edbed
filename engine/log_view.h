// A stream's whole log, shared beginnings included.
#ifndef OXBOW_ENGINE_LOG_VIEW_H_
#define OXBOW_ENGINE_LOG_VIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "engine/requests.h"
#include "engine/token_feed.h"
#include "engine/tokenizer/tokenizer.h"
#include "store/records.h"
#include "store/stream_store.h"

namespace oxbow {

// One step of a log, cut to what was asked for.
struct LogEvent {
  enum class Kind { kText, kIds, kSeam };
  Kind kind = Kind::kText;
  std::string text;
  std::vector<int> ids;
  Position end;
};

// Where a reading of a log stands. Made by LogView::Begin.
struct LogPlace {
  Position position;  // everything before it has been read
  size_t part = 0;    // index into the view's parts
  // The last record read of the part, if any was.
  absl::optional<uint64_t> after_sequence;
};

// The parts a stream's log consists of: its ancestors' logs up to each fork,
// then its own. A value, fixed when made (a fork's ancestry never changes).
class LogView {
 public:
  struct Part {
    StreamUid uid = 0;
    Position begin;
    absl::optional<Position> end;  // nullopt: the stream's own, still growing
    bool seam_at_end = false;
    // As Segment::imported_tokens: such a part has no log, only a checkpoint
    // at its end.
    absl::optional<uint64_t> imported_tokens;
  };

  LogView() = default;
  explicit LogView(const StreamRecord& record);

  const std::vector<Part>& parts() const { return parts_; }
  // True if the stream, or the oldest of its ancestors, began as an imported
  // state: nothing before begin() is here.
  bool imported() const { return parts_.front().imported_tokens.has_value(); }
  // Where the log begins, and the generator's tokens before that: all zero
  // unless imported.
  Position begin() const { return imported() ? *parts_[0].end : Position{}; }
  uint64_t begin_tokens() const {
    return parts_.front().imported_tokens.value_or(0);
  }
  // Where the stream's own log begins.
  Position own_begin() const { return parts_.back().begin; }
  // What the reader of this name reads before the log's first byte; empty: for
  // it there is nothing.
  absl::string_view LeadOf(absl::string_view reader) const {
    return reader == lead_reader_ ? absl::string_view(lead_)
                                  : absl::string_view();
  }
  // The ancestry of a stream forked from this one at `position`.
  std::vector<Segment> AncestryOfFork(Position position, bool seam) const;
  // A reading that begins at `position`, where a token ends.
  LogPlace Begin(Position position) const;

 private:
  std::vector<Part> parts_;
  std::string lead_;
  std::string lead_reader_;
};

// What a reader makes of `tokens` records.
enum class IdsAre {
  kIds,   // the generator: its own ids, a seam before them
  kText,  // the embedder: their bytes, text like any other; no seams
};

// The next events of the log from `place` on, which it advances: about
// `bytes_max` bytes, at least one event, nothing past `limit`. None: `limit`
// is reached. Ids are `tokenizer`'s (the generator's).
//
// OutOfRange/INSIDE_TOKEN: `limit` lies inside an id's bytes; both neighbours
// are named. OutOfRange/NO_SUCH_PLACE: `limit` counts more tokens of no bytes
// than stand there. DataLoss: the log is damaged or ends before `limit`. Blocks
// on the store.
absl::StatusOr<std::vector<LogEvent>> ReadEvents(
    StreamStore& store, const Tokenizer& tokenizer, const LogView& view,
    IdsAre ids_are, Position limit, size_t bytes_max, LogPlace* place);

// OutOfRange/BEFORE_IMPORT, for a point that lies before the log's begin().
absl::Status BeforeImport(const LogView& view);
// DataLoss: the checkpoint an imported stream begins with cannot be read.
absl::Status ImportLost(const LogView& view);

// Gives one event to a feed.
void Feed(const LogEvent& event, TokenFeed* feed);

// The place a point names. kHead is `durable`. Tokens are counted from the
// nearest checkpoint at or before. OutOfRange/PAST_END: the stream does not
// reach so far; OutOfRange/BEFORE_IMPORT; OutOfRange/INSIDE_TOKEN;
// OutOfRange/INSIDE_WORD: the token is not the last of its unit;
// NotFound/NO_SAVEPOINT. Blocks on the store.
absl::StatusOr<Position> ResolveAt(StreamStore& store,
                                   const Tokenizer& tokenizer,
                                   const LogView& view, const At& at,
                                   Position durable);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_LOG_VIEW_H_
