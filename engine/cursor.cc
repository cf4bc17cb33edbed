#include "engine/cursor.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "engine/error_reason.h"

namespace oxbow {
namespace {

// Tokens of one run: enough to fill a step, few enough that moves are seen.
constexpr size_t kRunTokensMax = 256;
// Bytes of log read at a time.
constexpr size_t kPageBytes = 64 << 10;

size_t MemoryBytes(const LogRecord& record) {
  return record.text.size() + record.ids.size() * sizeof(int);
}

}  // namespace

Cursor::Cursor(const EngineContext* context, Reader* reader, LogView view,
               OwnedSlot slot, const Options& options)
    : context_(context),
      reader_(reader),
      view_(std::move(view)),
      options_(options),
      slot_(std::move(slot)),
      at_(ReadPoint::Begin(*reader, view_)),
      limit_(view_.begin()) {}

absl::Status Cursor::StartAt(const Checkpoint& checkpoint) {
  OXBOW_CHECK(standing()) << "a cursor jumps while it moves";
  const CheckpointHeader& header = checkpoint.header;
  const bool has_lead = !view_.LeadOf(reader_->name()).empty();
  if (has_lead && header.token_offset == 0) return absl::OkStatus();
  RETURN_IF_ERROR(reader_->model().WriteState(slot_.get(), checkpoint.state));
  at_ = ReadPoint::Behind(*reader_, view_, header);
  passed_border_ = false;
  return absl::OkStatus();
}

void Cursor::SetLimit(Position limit) {
  OXBOW_CHECK(limit_ <= limit) << "a cursor's limit never falls";
  limit_ = limit;
  Advance();
}

void Cursor::Offer(std::shared_ptr<const LogRecord> record) {
  const Position next =
      tail_.empty() ? at_.place.position : tail_.back()->End();
  if (next != record->begin || reading_) return;
  const size_t bytes = MemoryBytes(*record);
  if (tail_bytes_ + bytes > options_.tail_bytes_max) return;
  tail_bytes_ += bytes;
  tail_.push_back(std::move(record));
}

void Cursor::Release() {
  held_ = false;
  Advance();
}

void Cursor::Stop() {
  stopped_ = true;
  listener_ = nullptr;
  on_move_ = nullptr;
}

bool Cursor::at_limit() const {
  return limit_ <= at_.place.position && at_.feed.lead().empty() &&
         at_.feed.decided().empty() && !running_ &&
         (!end_text_ || at_.feed.closed());
}

Position Cursor::applied() const {
  const bool all_run =
      at_.feed.lead().empty() && at_.feed.decided().empty() && !running_;
  return all_run ? at_.place.position : at_.position;
}

void Cursor::Advance() {
  while (status_.ok() && !stopped_ && !held_ && standing()) {
    if (!at_.feed.lead().empty()) return SubmitLead();
    if (!at_.feed.decided().empty()) {
      size_t count = at_.RunLength(kRunTokensMax, options_.border_tokens);
      if (listener_ != nullptr) {
        count = std::min(
            count, listener_->RunLength(at_.token_offset, at_.feed.decided()));
      }
      if (count > 0) SubmitRun(count);
      return;
    }
    if (at_.place.position < limit_) {
      if (!TakeTail()) ReadPage();
      continue;
    }
    if (!end_text_ || at_.feed.closed()) return Moved();
    at_.feed.AddSeam();
  }
}

bool Cursor::TakeTail() {
  if (tail_.empty() || tail_.front()->begin != at_.place.position ||
      limit_ < tail_.front()->End()) {
    return false;
  }
  const std::shared_ptr<const LogRecord> record = tail_.front();
  tail_.pop_front();
  tail_bytes_ -= MemoryBytes(*record);
  if (record->kind == LogRecord::Kind::kText) {
    at_.feed.AddText(record->text);
  } else if (reader_->ids_are() == IdsAre::kIds) {
    at_.feed.AddIds(record->ids);
  } else {
    at_.feed.AddText(Detokenize(context_->generator->tokenizer(), record->ids));
  }
  at_.place.position = record->End();
  at_.place.part = view_.parts().size() - 1;
  at_.place.after_sequence = record->sequence;
  return true;
}

void Cursor::ReadPage() {
  // The page may reach past what the tail holds: begin the tail anew.
  tail_.clear();
  tail_bytes_ = 0;
  reading_ = true;
  const auto place = std::make_shared<LogPlace>(at_.place);
  auto self = shared_from_this();
  context_->Async<std::vector<LogEvent>>(
      [self, place, limit = limit_]() {
        return ReadEvents(*self->context_->store,
                          self->context_->generator->tokenizer(), self->view_,
                          self->reader_->ids_are(), limit, kPageBytes,
                          place.get());
      },
      [self, place](absl::StatusOr<std::vector<LogEvent>> events) {
        self->OnPage(std::move(events), *place);
      });
}

void Cursor::OnPage(absl::StatusOr<std::vector<LogEvent>> events,
                    LogPlace place) {
  reading_ = false;
  if (!events.ok()) {
    status_ = events.status();
    return Moved();
  }
  for (const LogEvent& event : *events) Feed(event, &at_.feed);
  at_.place = place;
  if (held_) return Moved();
  Advance();
}

// The listener sees nothing of it: it is no part of the stream.
void Cursor::SubmitLead() {
  running_ = true;
  Run run;
  run.slot = slot_.get();
  run.priority = options_.priority;
  run.tokens = at_.feed.TakeLead();
  run.on_done = [self = shared_from_this(),
                 ids = run.tokens](absl::Span<const float>) {
    self->running_ = false;
    self->at_.PassLead(ids);
    self->Moved();
    self->Advance();
  };
  reader_->Submit(std::move(run));
}

void Cursor::SubmitRun(size_t count) {
  running_ = true;
  auto tokens =
      std::make_shared<const std::vector<FedToken>>(at_.feed.Take(count));
  Run run;
  run.slot = slot_.get();
  run.priority = options_.priority;
  for (const FedToken& token : *tokens) run.tokens.push_back(token.id);
  auto self = shared_from_this();
  if (listener_ != nullptr && listener_->wants_hidden()) {
    run.on_rows = [self, tokens](int first, int count, const float* hidden) {
      if (self->listener_ == nullptr) return;
      self->listener_->OnTokens(
          self->at_.token_offset + first,
          absl::MakeConstSpan(*tokens).subspan(first, count), hidden);
    };
  }
  run.on_done = [self, tokens](absl::Span<const float>) {
    self->OnRunDone(*tokens);
  };
  reader_->Submit(std::move(run));
}

void Cursor::OnRunDone(const std::vector<FedToken>& tokens) {
  running_ = false;
  const uint64_t first = at_.token_offset;
  passed_border_ = at_.Pass(tokens, options_.border_tokens);
  if (listener_ != nullptr) {
    if (!listener_->wants_hidden()) {
      listener_->OnTokens(first, tokens, nullptr);
    }
    listener_->AfterRun();
  }
  Moved();
  Advance();
}

void Cursor::Moved() {
  // What is told may drop the last reference to this cursor.
  const auto self = shared_from_this();
  const std::function<void()> on_move = on_move_;
  if (on_move) on_move();
}

StateFile Cursor::MakeStateFile() const {
  StateFile file;
  file.model_id = reader_->id();
  file.layout_id = reader_->info().layout_id;
  file.numerics_id = reader_->info().numerics_id;
  file.token_offset = at_.token_offset;
  file.position = at_.position;
  file.id_chain = at_.id_chain;
  file.undecided = std::string(at_.feed.undecided());
  file.state.resize(reader_->info().state_bytes);
  reader_->model().ReadState(slot_.get(), absl::MakeSpan(file.state));
  return file;
}

Checkpoint Cursor::MakeCheckpoint(StreamUid uid) const {
  OXBOW_CHECK(at_unit_end()) << "token " << at_.token_offset;
  Checkpoint checkpoint;
  CheckpointHeader& header = checkpoint.header;
  header.uid = uid;
  header.reader = reader_->name();
  header.token_offset = at_.token_offset;
  header.position = at_.position;
  header.id_chain = at_.id_chain;
  header.model_id = reader_->id();
  header.layout_id = reader_->info().layout_id;
  header.numerics_id = reader_->info().numerics_id;
  header.created = context_->clock->Now();
  checkpoint.state.resize(reader_->info().state_bytes);
  reader_->model().ReadState(slot_.get(), absl::MakeSpan(checkpoint.state));
  return checkpoint;
}

}  // namespace oxbow
