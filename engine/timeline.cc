#include "engine/timeline.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace oxbow {

void Normalize(std::vector<float>* vector) {
  double square = 0;
  for (float value : *vector) square += static_cast<double>(value) * value;
  if (square == 0) return;
  const double scale = 1 / std::sqrt(square);
  for (float& value : *vector) value = static_cast<float>(value * scale);
}

std::string DefaultHead(const ModelInfo& info) {
  for (const std::string& head : info.embedding_heads) {
    if (head == "retr") return head;
  }
  return info.embedding_heads.empty() ? "" : info.embedding_heads.front();
}

Timeline::Timeline(const EngineContext* context, Reader* reader, StreamUid uid,
                   const EmbeddingPlan& plan, uint64_t begin_token,
                   uint64_t begin_byte, std::function<void()> on_stored)
    : context_(context),
      reader_(reader),
      uid_(uid),
      uses_head_(!reader->info().embedding_heads.empty()),
      on_stored_(std::move(on_stored)),
      plan_(plan),
      splitter_(plan),
      token_begin_(begin_token),
      byte_begin_(begin_byte),
      token_end_(begin_token),
      byte_end_(begin_byte),
      sum_(reader->info().width) {}

void Timeline::Follow(Cursor* cursor, OwnedSlot scratch) {
  cursor_ = cursor;
  scratch_ = std::move(scratch);
  cursor->set_listener(this);
}

void Timeline::LetGo() {
  cursor_ = nullptr;
  scratch_.Reset();
}

size_t Timeline::RunLength(uint64_t token_offset,
                           const std::deque<FedToken>& decided) {
  // Tokens of stored spans are run for their state alone.
  if (token_offset < token_begin_) return token_begin_ - token_offset;
  SpanSplitter ahead = splitter_;
  for (size_t i = 0; i < decided.size(); ++i) {
    const bool begins =
        ahead.Add(token_offset + i, reader_->tokenizer().Piece(decided[i].id));
    if (!begins) continue;
    if (i > 0) return i;
    if (token_end_ == token_begin_) continue;  // Closed in AfterRun().
    if (probing_) return 0;
    CloseSpan();
    return RunLength(token_offset, decided);
  }
  return decided.size();
}

void Timeline::OnTokens(uint64_t first_offset,
                        absl::Span<const FedToken> tokens,
                        const float* hidden) {
  const size_t width = sum_.size();
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (first_offset + i < token_begin_) continue;
    splitter_.Add(first_offset + i, reader_->tokenizer().Piece(tokens[i].id));
    token_end_ = first_offset + i + 1;
    byte_end_ = tokens[i].end.byte_offset;
    if (hidden == nullptr) continue;
    for (size_t c = 0; c < width; ++c) sum_[c] += hidden[i * width + c];
  }
}

void Timeline::AfterRun() {
  if (token_end_ > token_begin_ && splitter_.EndsAt(token_end_) && !probing_) {
    CloseSpan();
  }
}

EmbeddingRecord Timeline::OpenSpan() const {
  EmbeddingRecord span;
  span.token_begin = token_begin_;
  span.token_end = token_end_;
  span.byte_begin = byte_begin_;
  span.byte_end = byte_end_;
  return span;
}

void Timeline::SkipTo(uint64_t token, uint64_t byte) {
  if (token <= token_begin_) return;
  token_begin_ = token_end_ = token;
  byte_begin_ = byte_end_ = byte;
  sum_.assign(sum_.size(), 0.0);
  splitter_ = SpanSplitter(plan_);
  if (on_stored_) on_stored_();
}

void Timeline::CloseSpan() {
  EmbeddingRecord span = OpenSpan();
  if (uses_head_) {
    Probe(std::move(span), [self = shared_from_this()](EmbeddingRecord done) {
      self->Store(std::move(done));
    });
  } else {
    span.vector = Mean(sum_);
    Store(std::move(span));
  }
  token_begin_ = token_end_;
  byte_begin_ = byte_end_;
  sum_.assign(sum_.size(), 0.0);
}

void Timeline::Probe(EmbeddingRecord span,
                     std::function<void(EmbeddingRecord)> done) {
  probing_ = true;
  reader_->model().CopyState(scratch_.get(), cursor_->slot());
  Run run;
  run.slot = scratch_.get();
  run.tokens = {reader_->end_of_text()};
  auto record = std::make_shared<EmbeddingRecord>(std::move(span));
  run.on_done = [self = shared_from_this(), record,
                 done = std::move(done)](absl::Span<const float>) {
    self->probing_ = false;
    record->vector = self->OfHead(self->scratch_.get());
    done(std::move(*record));
    if (self->cursor_ == nullptr) return;
    // A span may have ended meanwhile.
    if (!self->cursor_->running()) self->AfterRun();
    self->cursor_->Continue();
  };
  reader_->Submit(std::move(run));
}

std::vector<float> Timeline::Mean(const std::vector<double>& sum) {
  // Scaled to length 1, the sum is the mean.
  std::vector<float> mean(sum.begin(), sum.end());
  Normalize(&mean);
  return mean;
}

std::vector<float> Timeline::OfHead(StateSlot slot) const {
  std::vector<float> vector(reader_->info().width);
  reader_->model().EmbeddingHead(DefaultHead(reader_->info()),
                                 reader_->HiddenOf(slot),
                                 absl::MakeSpan(vector));
  Normalize(&vector);
  return vector;
}

void Timeline::Store(EmbeddingRecord record) {
  auto batch = std::make_shared<StoreBatch>();
  batch->put_embeddings.push_back({uid_, std::move(record)});
  unstored_.push_back(batch);
  if (!refused_) Submit(batch);
}

void Timeline::Submit(const std::shared_ptr<const StoreBatch>& span) {
  ++storing_;
  // Not synced: after a crash the span is computed again, to the same bits.
  context_->Async<bool>(
      [context = context_, span,
       refused = refused_there_]() -> absl::StatusOr<bool> {
        if (*refused)
          return absl::AbortedError("the span before is not stored");
        const absl::Status status = context->store->Write(*span, false);
        *refused = !status.ok();
        if (*refused) return status;
        return true;
      },
      [self = shared_from_this()](absl::StatusOr<bool> stored) {
        --self->storing_;
        if (!stored.ok()) {
          self->refused_ = true;
          return;
        }
        self->unstored_.pop_front();
        self->on_stored_();
      });
}

const EmbeddingRecord* Timeline::first_unstored() const {
  return refused_ ? &unstored_.front()->put_embeddings.front().record : nullptr;
}

void Timeline::StoreAgain() {
  if (!refused_ || storing_ > 0 || cursor_ == nullptr) return;
  refused_ = *refused_there_ = false;
  for (const auto& span : unstored_) Submit(span);
}

void Timeline::Partial(
    std::function<void(absl::optional<EmbeddingRecord>)> done) {
  if (cursor_ == nullptr || cursor_->running()) return done(absl::nullopt);
  TokenFeed feed = cursor_->feed();
  feed.AddSeam();
  auto span = std::make_shared<OpenEnd>();
  span->record = OpenSpan();
  span->record.token_end += feed.decided().size();
  span->record.byte_end = feed.end().byte_offset;
  span->sum = sum_;
  absl::StatusOr<OwnedSlot> slot = CopySlot(*reader_, cursor_->slot());
  if (span->record.token_end == token_begin_ || !slot.ok()) {
    return done(absl::nullopt);
  }
  span->slot = *std::move(slot);
  Run run;
  run.slot = span->slot.get();
  run.priority = Priority::kInteractive;
  run.tokens = feed.lead();
  for (const FedToken& token : feed.decided()) run.tokens.push_back(token.id);
  if (uses_head_) run.tokens.push_back(reader_->end_of_text());
  if (!uses_head_) {
    const int lead = static_cast<int>(feed.lead().size());
    run.on_rows = [span, lead](int first, int count, const float* hidden) {
      const size_t width = span->sum.size();
      for (size_t row = std::max(lead - first, 0); row < size_t(count); ++row) {
        for (size_t c = 0; c < width; ++c) {
          span->sum[c] += hidden[row * width + c];
        }
      }
    };
  }
  const auto finish = [self = shared_from_this(), span,
                       done = std::move(done)](absl::Span<const float>) {
    span->record.vector =
        self->uses_head_ ? self->OfHead(span->slot.get()) : Mean(span->sum);
    done(std::move(span->record));
  };
  if (run.tokens.empty()) return finish({});
  run.on_done = finish;
  reader_->Submit(std::move(run));
}

void Timeline::Stop() {
  cursor_ = nullptr;
  if (!probing_) scratch_.Reset();
}

}  // namespace oxbow
