#include "engine/beginning_finder.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "engine/put_checkpoint.h"

namespace oxbow {
namespace {

// One turn on the store's thread, where others wait: bytes of log, and states
// copied.
constexpr size_t kPageBytes = 64 << 10;
constexpr int kPagesMax = 4;
constexpr int kBordersMax = 4;
// Streams that begin alike and may have lost their checkpoint there.
constexpr int kHoldersMax = 4;
constexpr size_t kTokensMax = 1 << 16;
constexpr int kSpansMax = 256;

bool IsLost(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsDataLoss(status);
}

}  // namespace

BeginningFinder::BeginningFinder(const EngineContext* context,
                                 const Reader* reader, const LogView& view,
                                 BeginningMarks marks, ReadPoint start)
    : context_(context),
      reader_(reader),
      view_(view),
      marks_(std::move(marks)),
      point_(std::move(start)) {
  // What an imported state has read is known from a client alone.
  over_ = view_.imported() || context_->options.checkpoint_tokens == 0 ||
          !context_->options.share_beginnings;
}

bool BeginningFinder::MayFind(Position limit) const {
  if (over_ || limit <= point_.place.position) return false;
  if (following_) return true;
  // A token has a byte at least.
  const uint64_t border = context_->options.checkpoint_tokens;
  const uint64_t tokens = border - point_.token_offset % border;
  return limit.byte_offset >= point_.position.byte_offset + tokens;
}

void BeginningFinder::Look(const Ahead& ahead,
                           std::function<void(Found)> done) {
  ahead_.limit = ahead.limit;
  ahead_.cursor_token = ahead.cursor_token;
  if (ahead_.spans_token < ahead.spans_token) {
    ahead_.spans_token = ahead.spans_token;
    ahead_.spans_byte = ahead.spans_byte;
  }
  LookPart(std::move(done));
}

void BeginningFinder::LookPart(std::function<void(Found)> done) {
  auto found = std::make_shared<Found>();
  context_->Async<Stop>(
      [self = shared_from_this(), found]() -> absl::StatusOr<Stop> {
        ASSIGN_OR_RETURN(const Stop stop, self->Walk());
        if (stop != Stop::kPart) {
          ASSIGN_OR_RETURN(*found, self->Furthest());
        }
        return stop;
      },
      [self = shared_from_this(), found,
       done = std::move(done)](absl::StatusOr<Stop> stop) {
        if (stop.ok() && *stop == Stop::kPart) {
          return self->LookPart(std::move(done));
        }
        self->over_ = !stop.ok() || *stop == Stop::kFirst;
        done(std::move(*found));
      });
}

absl::StatusOr<BeginningFinder::Stop> BeginningFinder::Walk() {
  const uint64_t border = context_->options.checkpoint_tokens;
  int borders = 0;
  for (int pages = 0; pages < kPagesMax; ++pages) {
    point_.PassLead(point_.feed.TakeLead());
    while (!point_.feed.decided().empty()) {
      const size_t count = point_.RunLength(kTokensMax, border);
      if (!point_.Pass(point_.feed.Take(count), border)) continue;
      ASSIGN_OR_RETURN(following_, TakeOver());
      if (!following_) return Stop::kFirst;
      if (++borders == kBordersMax) return Stop::kPart;
    }
    if (ahead_.limit <= point_.place.position) {
      // Whoever ended here may have left a state.
      if (following_) RETURN_IF_ERROR(TakeOver().status());
      return Stop::kLimit;
    }
    ASSIGN_OR_RETURN(
        const std::vector<LogEvent> events,
        ReadEvents(*context_->store, context_->generator->tokenizer(), view_,
                   reader_->ids_are(), ahead_.limit, kPageBytes,
                   &point_.place));
    for (const LogEvent& event : events) Feed(event, &point_.feed);
  }
  return Stop::kPart;
}

absl::StatusOr<bool> BeginningFinder::TakeOver() {
  ASSIGN_OR_RETURN(const std::vector<Beginning> holders,
                   context_->store->FindBeginnings(
                       marks_.tenant(), marks_.reader(),
                       marks_.Wanted(point_.id_chain), kHoldersMax));
  if (holders.empty()) return false;
  // What lies in an ancestor's log is the ancestor's to keep.
  if (point_.position < view_.own_begin()) return true;
  RETURN_IF_ERROR(CopyState(holders));
  RETURN_IF_ERROR(CopySpans(holders));
  return true;
}

bool BeginningFinder::IsState(const CheckpointHeader& header) const {
  const ModelInfo& info = reader_->info();
  return header.token_offset == point_.token_offset &&
         header.id_chain == point_.id_chain &&
         header.model_id == reader_->id() &&
         header.layout_id == info.layout_id &&
         header.numerics_id == info.numerics_id;
}

absl::Status BeginningFinder::CopyState(const std::vector<Beginning>& holders) {
  StreamStore& store = *context_->store;
  for (const Beginning& holder : holders) {
    absl::StatusOr<Checkpoint> state =
        store.ReadCheckpoint(holder.uid, marks_.reader(), point_.token_offset);
    if (IsLost(state.status())) continue;
    RETURN_IF_ERROR(state.status());
    if (!IsState(state->header)) continue;
    tokens_.push_back(point_.token_offset);
    if (holder.uid == marks_.uid()) return absl::OkStatus();
    state->header.uid = marks_.uid();
    state->header.position = point_.position;
    state->header.created = context_->clock->Now();
    state->header.savepoints.clear();
    return PutCheckpointAndTrim(
        store, *std::move(state), context_->options.checkpoints_max,
        absl::nullopt, marks_.Offered(point_.token_offset, point_.id_chain));
  }
  return Offer();
}

// Whoever comes after this stream finds an unbroken chain of marks in it.
absl::Status BeginningFinder::Offer() {
  StoreBatch batch;
  batch.put_beginnings = marks_.Offered(point_.token_offset, point_.id_chain);
  return context_->store->Write(batch, /*sync=*/false);
}

absl::Status BeginningFinder::CopySpans(const std::vector<Beginning>& holders) {
  if (!marks_.makes_timeline()) return absl::OkStatus();
  for (size_t i = 0; i < holders.size();) {
    ASSIGN_OR_RETURN(std::vector<EmbeddingRecord> spans,
                     context_->store->ReadEmbeddings(
                         holders[i].uid, ahead_.spans_token, kSpansMax));
    StoreBatch batch;
    for (EmbeddingRecord& span : spans) {
      // Where the last token may yet end a span is for later tokens to say.
      if (span.token_begin != ahead_.spans_token ||
          span.token_end >= point_.token_offset) {
        break;
      }
      ahead_.spans_token = span.token_end;
      ahead_.spans_byte = span.byte_end;
      batch.put_embeddings.push_back({marks_.uid(), std::move(span)});
    }
    if (batch.put_embeddings.empty()) {
      ++i;
    } else {
      RETURN_IF_ERROR(context_->store->Write(batch, /*sync=*/false));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<BeginningFinder::Found> BeginningFinder::Furthest() {
  Found found;
  found.spans_token = ahead_.spans_token;
  found.spans_byte = ahead_.spans_byte;
  const auto usable =
      marks_.makes_timeline()
          ? std::upper_bound(tokens_.begin(), tokens_.end(), ahead_.spans_token)
          : tokens_.end();
  for (auto token = usable; token != tokens_.begin();) {
    if (*--token <= ahead_.cursor_token) break;
    absl::StatusOr<Checkpoint> checkpoint =
        context_->store->ReadCheckpoint(marks_.uid(), marks_.reader(), *token);
    if (IsLost(checkpoint.status())) continue;  // Retention took it.
    RETURN_IF_ERROR(checkpoint.status());
    found.checkpoint = *std::move(checkpoint);
    break;
  }
  // Those behind the last span wait for it.
  tokens_.erase(tokens_.begin(), usable);
  return found;
}

}  // namespace oxbow
