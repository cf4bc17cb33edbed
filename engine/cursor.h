// A state moving along a stream's log.
#ifndef OXBOW_ENGINE_CURSOR_H_
#define OXBOW_ENGINE_CURSOR_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "engine/engine_context.h"
#include "engine/log_view.h"
#include "engine/read_point.h"
#include "engine/reader.h"
#include "engine/state_file.h"
#include "engine/token_feed.h"

namespace oxbow {

// Looks at the tokens a cursor runs.
class TokenListener {
 public:
  virtual ~TokenListener() = default;
  // How many of the `decided` tokens, the first of which is token
  // `token_offset`, may be run before the listener wants to be asked again.
  // 0: none for now; whoever answers so calls Cursor::Continue() later.
  virtual size_t RunLength(uint64_t token_offset,
                           const std::deque<FedToken>& decided) = 0;
  virtual bool wants_hidden() const = 0;
  // Tokens first_offset .. were run. `hidden` is [tokens.size(), D], or null.
  virtual void OnTokens(uint64_t first_offset,
                        absl::Span<const FedToken> tokens,
                        const float* hidden) = 0;
  // The state stands behind the last of them.
  virtual void AfterRun() = 0;
};

// Owns a slot and moves its state from a checkpoint (or the beginning) along
// the log to a limit, which may rise. Live streams and replays are both this.
//
// Engine thread only. Kept alive by its own pending work: hold it by
// shared_ptr. Borrows the context and the listener; Stop() before they go.
class Cursor : public std::enable_shared_from_this<Cursor> {
 public:
  struct Options {
    Priority priority = Priority::kBulk;
    // Runs never cross the first end of a unit at or behind a multiple of
    // this; 0: no such border.
    uint64_t border_tokens = 0;
    // Bytes of new records held to spare a read of the log.
    size_t tail_bytes_max = 1 << 20;
  };

  Cursor(const EngineContext* context, Reader* reader, LogView view,
         OwnedSlot slot, const Options& options);

  // Goes on at a checkpoint of this reader, of this log, not past the limit.
  // InvalidArgument, nothing changed: its state is not one. standing() holds. A
  // checkpoint without tokens may hold a part of what is read before the first
  // byte: then the beginning is where to begin.
  absl::Status StartAt(const Checkpoint& checkpoint);

  void set_listener(TokenListener* listener) { listener_ = listener; }
  // Told after every move, and when the cursor failed.
  void set_on_move(std::function<void()> on_move) {
    on_move_ = std::move(on_move);
  }

  // The log may be read up to here.
  void SetLimit(Position limit);
  // A record that is durable now: spares reading it back. Ignored where it
  // does not continue what is held.
  void Offer(std::shared_ptr<const LogRecord> record);
  // Undecided bytes become tokens: the text ends at the limit. Only for
  // cursors whose limit does not rise any more.
  void EndTextAtLimit() { end_text_ = true; }
  // Begins nothing new until Release(), which may find it elsewhere. on_move
  // is told when what was begun is over.
  void Hold() { held_ = true; }
  void Release();
  // Neither the model nor the store is at work for it.
  bool standing() const { return !running_ && !reading_; }
  // Goes on after a listener's 0.
  void Continue() { Advance(); }
  // Stands still from now on, and lets go of listener and on_move; what runs
  // ends by itself.
  void Stop();

  // Everything up to the limit is read, and every decided token is run.
  bool at_limit() const;
  // Everything up to here is run through the model, or held undecided.
  Position applied() const;
  // What the state is that of; see ReadPoint.
  uint64_t token_offset() const { return at_.token_offset; }
  Position position() const { return at_.position; }
  // Only a listener stops a cursor inside a unit.
  bool at_unit_end() const { return at_.at_unit_end(); }
  // Whether this is the first end of a unit at or behind a border, and the
  // cursor came by it.
  bool at_border() const { return passed_border_ && at_unit_end(); }
  const Digest& id_chain() const { return at_.id_chain; }
  absl::string_view undecided() const { return at_.feed.undecided(); }
  // Some of what is read before the first byte is undecided.
  bool in_lead() const { return at_.feed.in_lead(); }
  const TokenFeed& feed() const { return at_.feed; }
  // Where it stands; what is taken from the feed but not passed is running.
  const ReadPoint& at() const { return at_; }
  StateSlot slot() const { return slot_.get(); }
  Reader& reader() { return *reader_; }
  bool running() const { return running_; }
  // Not OK: the log could not be read; the cursor stands still for good.
  const absl::Status& status() const { return status_; }

  // Where it stands, for a file: all that its future depends on.
  StateFile MakeStateFile() const;
  // The digest of design.md: layout, offsets, ids, state, undecided bytes.
  Digest StateDigest() const { return oxbow::StateDigest(MakeStateFile()); }
  // The state as a checkpoint, for a stream with this uid. at_unit_end()
  // holds.
  Checkpoint MakeCheckpoint(StreamUid uid) const;
  // Gives the slot away; the cursor is done.
  OwnedSlot TakeSlot() { return std::move(slot_); }

 private:
  void Advance();
  bool TakeTail();
  void ReadPage();
  void OnPage(absl::StatusOr<std::vector<LogEvent>> events, LogPlace place);
  void SubmitLead();
  void SubmitRun(size_t count);
  void OnRunDone(const std::vector<FedToken>& tokens);
  void Moved();

  const EngineContext* const context_;
  Reader* const reader_;
  const LogView view_;
  const Options options_;
  OwnedSlot slot_;
  TokenListener* listener_ = nullptr;
  std::function<void()> on_move_;

  ReadPoint at_;
  Position limit_;
  bool end_text_ = false;
  std::deque<std::shared_ptr<const LogRecord>> tail_;
  size_t tail_bytes_ = 0;
  bool running_ = false;
  bool reading_ = false;
  bool held_ = false;
  bool stopped_ = false;
  absl::Status status_;
  bool passed_border_ = false;  // by the last run
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_CURSOR_H_
