#include "engine/replay_checkpoint.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/cursor.h"
#include "engine/find_checkpoint.h"

namespace oxbow {
namespace {

constexpr int kStepRows = 256;

// Lets a cursor run up to a token and no further.
class StopAtToken : public TokenListener {
 public:
  explicit StopAtToken(uint64_t token) : token_(token) {}

  size_t RunLength(uint64_t token_offset,
                   const std::deque<FedToken>& decided) override {
    const uint64_t left = token_offset < token_ ? token_ - token_offset : 0;
    return std::min<uint64_t>(decided.size(), left);
  }
  bool wants_hidden() const override { return false; }
  void OnTokens(uint64_t, absl::Span<const FedToken>, const float*) override {}
  void AfterRun() override {}

 private:
  const uint64_t token_;
};

absl::StatusOr<Position> EndOfLog(StreamStore& store,
                                  const StreamRecord& stream) {
  ASSIGN_OR_RETURN(const absl::optional<LogRecord> last,
                   store.LastRecord(stream.uid));
  if (last) return last->End();
  return stream.ancestry.empty() ? Position() : stream.ancestry.back().end;
}

}  // namespace

CheckpointReplay::CheckpointReplay(StreamStore* store, const Clock* clock,
                                   std::unique_ptr<Reader> generator)
    : reader_(std::move(generator)), worker_(std::make_unique<StoreWorker>()) {
  context_.store = store;
  context_.clock = clock;
  context_.inbox = &inbox_;
  context_.worker = worker_.get();
  context_.generator = reader_.get();
}

CheckpointReplay::~CheckpointReplay() {
  worker_.reset();
  inbox_.Take(absl::ZeroDuration());
  reader_->DropRuns();
}

void CheckpointReplay::RunOnce() {
  const absl::Duration wait =
      reader_->idle() ? absl::Milliseconds(100) : absl::ZeroDuration();
  for (const std::function<void()>& work : inbox_.Take(wait)) work();
  reader_->Step(kStepRows);
}

absl::StatusOr<Checkpoint> CheckpointReplay::Replay(
    const StreamRecord& stream, const CheckpointHeader& checkpoint) {
  const uint64_t token = checkpoint.token_offset;
  const LogView view(stream);
  FindCheckpointOptions find = CheckpointsOf(*reader_);
  find.target = checkpoint.position;
  find.target_is_head = true;
  find.token_offset_max = token - 1;
  ASSIGN_OR_RETURN(const absl::optional<Checkpoint> start,
                   FindCheckpoint(*context_.store, view, find));
  ASSIGN_OR_RETURN(const Position end, EndOfLog(*context_.store, stream));
  // What an earlier replay left behind gives its slot back first.
  for (const std::function<void()>& work : inbox_.Take(absl::ZeroDuration())) {
    work();
  }
  ASSIGN_OR_RETURN(OwnedSlot slot, NewSlot(*reader_));
  StopAtToken stop(token);
  const auto cursor = std::make_shared<Cursor>(
      &context_, reader_.get(), view, std::move(slot), Cursor::Options());
  if (start) RETURN_IF_ERROR(cursor->StartAt(*start));
  cursor->set_listener(&stop);
  cursor->SetLimit(end);
  while (cursor->status().ok() && cursor->token_offset() < token &&
         !cursor->at_limit()) {
    RunOnce();
  }
  cursor->Stop();
  RETURN_IF_ERROR(cursor->status());
  if (cursor->token_offset() != token || !cursor->at_unit_end()) {
    return absl::DataLossError(absl::StrCat(
        "the log gives no state after token ", token, "; it goes from ",
        cursor->token_offset(), cursor->at_limit() ? " to its end" : " on"));
  }
  return cursor->MakeCheckpoint(stream.uid);
}

}  // namespace oxbow
