#include "engine/cursor.h"

#include <algorithm>
#include <utility>

#include "absl/base/internal/endian.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "engine/error_reason.h"

namespace oxbow {
namespace {

// Tokens of one run: enough to fill a step, few enough that moves are seen.
constexpr size_t kRunTokensMax = 256;
// Bytes of log read at a time.
constexpr size_t kPageBytes = 64 << 10;

// The chain of a reader's ids: SHA-256 over the chain before and the id.
Digest Chained(const Digest& chain, int id) {
  char bytes[36];
  std::copy(chain.begin(), chain.end(), bytes);
  absl::little_endian::Store32(bytes + 32, id);
  return Sha256(absl::string_view(bytes, sizeof(bytes)));
}

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
      feed_(&reader->tokenizer(), view_.begin(), view_.LeadOf(reader->name())),
      place_(view_.Begin(view_.begin())),
      limit_(view_.begin()),
      position_(view_.begin()),
      id_chain_(reader->id()) {}

absl::Status Cursor::StartAt(const Checkpoint& checkpoint) {
  const CheckpointHeader& header = checkpoint.header;
  const bool has_lead = !view_.LeadOf(reader_->name()).empty();
  if (has_lead && header.token_offset == 0) return absl::OkStatus();
  RETURN_IF_ERROR(reader_->model().WriteState(slot_.get(), checkpoint.state));
  token_offset_ = unit_end_token_ = header.token_offset;
  position_ = header.position;
  id_chain_ = header.id_chain;
  feed_ = TokenFeed(&reader_->tokenizer(), position_);
  place_ = view_.Begin(position_);
  return absl::OkStatus();
}

void Cursor::SetLimit(Position limit) {
  OXBOW_CHECK(limit_ <= limit) << "a cursor's limit never falls";
  limit_ = limit;
  Advance();
}

void Cursor::Offer(std::shared_ptr<const LogRecord> record) {
  const Position next = tail_.empty() ? place_.position : tail_.back()->End();
  if (next != record->begin || reading_) return;
  const size_t bytes = MemoryBytes(*record);
  if (tail_bytes_ + bytes > options_.tail_bytes_max) return;
  tail_bytes_ += bytes;
  tail_.push_back(std::move(record));
}

void Cursor::Stop() {
  stopped_ = true;
  listener_ = nullptr;
  on_move_ = nullptr;
}

bool Cursor::at_limit() const {
  return limit_ <= place_.position && feed_.lead().empty() &&
         feed_.decided().empty() && !running_ && (!end_text_ || feed_.closed());
}

Position Cursor::applied() const {
  const bool all_run =
      feed_.lead().empty() && feed_.decided().empty() && !running_;
  return all_run ? place_.position : position_;
}

void Cursor::Advance() {
  while (status_.ok() && !stopped_ && !running_ && !reading_) {
    if (!feed_.lead().empty()) return SubmitLead();
    if (!feed_.decided().empty()) {
      size_t count = RunMax();
      if (listener_ != nullptr) {
        count = std::min(count,
                         listener_->RunLength(token_offset_, feed_.decided()));
      }
      if (count > 0) SubmitRun(count);
      return;
    }
    if (place_.position < limit_) {
      if (!TakeTail()) ReadPage();
      continue;
    }
    if (!end_text_ || feed_.closed()) return Moved();
    feed_.AddSeam();
  }
}

size_t Cursor::RunMax() const {
  const std::deque<FedToken>& decided = feed_.decided();
  size_t count = std::min(decided.size(), kRunTokensMax);
  if (options_.border_tokens > 0) {
    const uint64_t border =
        (unit_end_token_ / options_.border_tokens + 1) * options_.border_tokens;
    const uint64_t left = border > token_offset_ ? border - token_offset_ : 1;
    count = std::min<uint64_t>(count, left);
  }
  // The feed decides whole units: one of the tokens ends this one.
  while (!decided[count - 1].ends_unit) ++count;
  return count;
}

bool Cursor::TakeTail() {
  if (tail_.empty() || tail_.front()->begin != place_.position ||
      limit_ < tail_.front()->End()) {
    return false;
  }
  const std::shared_ptr<const LogRecord> record = tail_.front();
  tail_.pop_front();
  tail_bytes_ -= MemoryBytes(*record);
  if (record->kind == LogRecord::Kind::kText) {
    feed_.AddText(record->text);
  } else if (reader_->ids_are() == IdsAre::kIds) {
    feed_.AddIds(record->ids);
  } else {
    feed_.AddText(Detokenize(context_->generator->tokenizer(), record->ids));
  }
  place_.position = record->End();
  place_.part = view_.parts().size() - 1;
  place_.after_sequence = record->sequence;
  return true;
}

void Cursor::ReadPage() {
  // The page may reach past what the tail holds: begin the tail anew.
  tail_.clear();
  tail_bytes_ = 0;
  reading_ = true;
  const auto place = std::make_shared<LogPlace>(place_);
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
  for (const LogEvent& event : *events) Feed(event, &feed_);
  place_ = place;
  Advance();
}

// The listener sees nothing of it: it is no part of the stream.
void Cursor::SubmitLead() {
  running_ = true;
  Run run;
  run.slot = slot_.get();
  run.priority = options_.priority;
  run.tokens = feed_.TakeLead();
  run.on_done = [self = shared_from_this(),
                 ids = run.tokens](absl::Span<const float>) {
    self->running_ = false;
    for (int id : ids) self->id_chain_ = Chained(self->id_chain_, id);
    self->Moved();
    self->Advance();
  };
  reader_->Submit(std::move(run));
}

void Cursor::SubmitRun(size_t count) {
  running_ = true;
  auto tokens =
      std::make_shared<const std::vector<FedToken>>(feed_.Take(count));
  Run run;
  run.slot = slot_.get();
  run.priority = options_.priority;
  for (const FedToken& token : *tokens) run.tokens.push_back(token.id);
  auto self = shared_from_this();
  if (listener_ != nullptr && listener_->wants_hidden()) {
    run.on_rows = [self, tokens](int first, int count, const float* hidden) {
      if (self->listener_ == nullptr) return;
      self->listener_->OnTokens(
          self->token_offset_ + first,
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
  const uint64_t first = token_offset_;
  const uint64_t unit_end_before = unit_end_token_;
  for (const FedToken& token : tokens) {
    id_chain_ = Chained(id_chain_, token.id);
    ++token_offset_;
    if (!token.ends_unit) continue;
    position_ = token.end;
    unit_end_token_ = token_offset_;
  }
  passed_border_ = options_.border_tokens > 0 &&
                   unit_end_before / options_.border_tokens !=
                       unit_end_token_ / options_.border_tokens;
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
  file.token_offset = token_offset_;
  file.position = position_;
  file.id_chain = id_chain_;
  file.undecided = std::string(feed_.undecided());
  file.state.resize(reader_->info().state_bytes);
  reader_->model().ReadState(slot_.get(), absl::MakeSpan(file.state));
  return file;
}

Checkpoint Cursor::MakeCheckpoint(StreamUid uid) const {
  OXBOW_CHECK(at_unit_end()) << "token " << token_offset_;
  Checkpoint checkpoint;
  CheckpointHeader& header = checkpoint.header;
  header.uid = uid;
  header.reader = reader_->name();
  header.token_offset = token_offset_;
  header.position = position_;
  header.id_chain = id_chain_;
  header.model_id = reader_->id();
  header.layout_id = reader_->info().layout_id;
  header.numerics_id = reader_->info().numerics_id;
  header.created = context_->clock->Now();
  checkpoint.state.resize(reader_->info().state_bytes);
  reader_->model().ReadState(slot_.get(), absl::MakeSpan(checkpoint.state));
  return checkpoint;
}

}  // namespace oxbow
