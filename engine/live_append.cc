#include "engine/live_append.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "engine/check_request.h"
#include "engine/compare_chunk.h"
#include "engine/error_reason.h"

namespace oxbow {
namespace {

// Records of one call on their way to the log: bounds what a client that
// sends tiny chunks keeps in memory.
constexpr int kWritesInFlightMax = 256;

absl::Status Gap(Position given, Position expected) {
  return WithReason(
      absl::OutOfRangeError(absl::StrCat(
          "the chunk begins at byte ", given.byte_offset, " (",
          given.zero_byte_tokens, " tokens of no bytes there), but the stream ",
          "ends at byte ", expected.byte_offset, " (",
          expected.zero_byte_tokens, ")")),
      "OFFSET_GAP",
      {{"expected_byte_offset", absl::StrCat(expected.byte_offset)},
       {"expected_zero_byte_tokens", absl::StrCat(expected.zero_byte_tokens)}});
}

absl::Status TooLarge(absl::string_view what, size_t size, size_t max) {
  return WithReason(absl::InvalidArgumentError(absl::StrCat(
                        "the chunk holds ", size, " ", what, "; at most ", max,
                        " are taken at once: cut it in pieces")),
                    "CHUNK_TOO_LARGE", {{"max", absl::StrCat(max)}});
}

absl::Status LessDurable(Position told, Position held) {
  return WithReason(
      absl::DataLossError(absl::StrCat(
          "the client was told that ", told.byte_offset,
          " bytes are durable, but the server holds ", held.byte_offset)),
      "DURABLE_BYTES_LOST",
      {{"durable_byte_offset", absl::StrCat(held.byte_offset)}});
}

}  // namespace

LiveAppend::LiveAppend(const EngineContext* context, Observer* observer,
                       absl::optional<Position> last_durable,
                       std::function<void()> on_end)
    : context_(context),
      observer_(observer),
      last_durable_(last_durable),
      on_end_(std::move(on_end)) {}

void LiveAppend::Write(AppendChunk chunk) {
  auto shared = std::make_shared<AppendChunk>(std::move(chunk));
  context_->inbox->Post([self = shared_from_this(), shared]() {
    if (self->observer_ == nullptr) return;
    self->chunks_.push_back(std::move(*shared));
    self->TakeChunk();
  });
}

void LiveAppend::Close() {
  context_->inbox->Post([self = shared_from_this()]() {
    self->closed_ = true;
    self->MaybeFinish();
  });
}

void LiveAppend::Cancel() {
  context_->inbox->Post([self = shared_from_this()]() {
    self->End(absl::CancelledError("the client left"));
  });
}

void LiveAppend::Begin(std::shared_ptr<LiveStream> stream) {
  if (observer_ == nullptr) return;
  stream_ = std::move(stream);
  stream_->Hold();
  const auto self = shared_from_this();
  stream_->TakeOver(self, [self](absl::Status status) {
    if (self->observer_ == nullptr) return;
    if (!status.ok()) return self->End(status);
    const Position durable = self->stream_->durable();
    if (self->last_durable_.has_value() && durable < *self->last_durable_) {
      return self->End(LessDurable(*self->last_durable_, durable));
    }
    self->begun_ = true;
    self->owes_ready_ = true;
    self->observer_->OnAck(self->stream_->Ack());
    self->MaybeReady();
    self->MaybeFinish();
  });
}

void LiveAppend::End(const absl::Status& status) {
  if (observer_ == nullptr) return;
  const auto self = shared_from_this();
  Observer* const observer = observer_;
  observer_ = nullptr;
  AppendAck last;
  if (stream_ != nullptr) {
    last = stream_->Ack();
    stream_->Leave(this);
    stream_->Release();
    stream_ = nullptr;
  }
  chunks_.clear();
  on_end_();
  observer->OnDone(status, last);
}

void LiveAppend::OnMoved() {
  if (observer_ == nullptr) return;
  const absl::Status status = stream_->status();
  if (!status.ok()) return End(status);
  if (!begun_) return;
  observer_->OnAck(stream_->Ack());
  TakeChunk();
  MaybeReady();
  MaybeFinish();
}

void LiveAppend::OnDismissed(const absl::Status& status) { End(status); }

absl::Status LiveAppend::Check(const AppendChunk& chunk) const {
  const Limits& limits = context_->options.limits;
  const Tokenizer& tokenizer = context_->generator->tokenizer();
  if (chunk.text.size() > limits.chunk_bytes_max) {
    return TooLarge("bytes", chunk.text.size(), limits.chunk_bytes_max);
  }
  if (chunk.ids.size() > static_cast<size_t>(limits.chunk_ids_max)) {
    return TooLarge("ids", chunk.ids.size(), limits.chunk_ids_max);
  }
  if (!chunk.text.empty() && !tokenizer.reads_text()) {
    return WithReason(
        absl::FailedPreconditionError(
            "the server has no tokenizer: send token ids, not text"),
        "NO_TOKENIZER");
  }
  if (chunk.digest.has_value() &&
      *chunk.digest != AsBytes(Sha256(chunk.text))) {
    return WithReason(
        absl::DataLossError("the chunk's text does not have the SHA-256 sum "
                            "that came with it"),
        "CHUNK_DIGEST");
  }
  return CheckIds(chunk.ids, context_->generator->info().vocabulary_size);
}

void LiveAppend::TakeChunk() {
  while (observer_ != nullptr && begun_ && !busy_ && !chunks_.empty()) {
    AppendChunk chunk = std::move(chunks_.front());
    chunks_.pop_front();
    const absl::Status status = Check(chunk);
    if (!status.ok()) return End(status);
    const Position planned = stream_->planned();
    if (!chunk.position.has_value()) chunk.position = planned;
    if (planned < *chunk.position) return End(Gap(*chunk.position, planned));
    if (*chunk.position == planned) {
      AppendNew(std::move(chunk));
    } else if (stream_->writes_in_flight() > 0) {
      // Compared with the log once all of it is there.
      chunks_.push_front(std::move(chunk));
      return;
    } else {
      Compare(std::move(chunk));
    }
  }
}

void LiveAppend::AppendNew(AppendChunk chunk) {
  const bool is_poll = chunk.text.empty() && chunk.ids.empty();
  if (is_poll) {
    observer_->OnAck(stream_->Ack());
    return ChunkTaken();
  }
  LogRecord record;
  record.kind = chunk.kind;
  record.text = std::move(chunk.text);
  record.ids = std::move(chunk.ids);
  // The stream tells its watcher when it is durable, or failed.
  stream_->Append(std::move(record), StoreBatch(), [](absl::Status) {});
  ChunkTaken();
}

void LiveAppend::Compare(AppendChunk chunk) {
  busy_ = true;
  auto shared = std::make_shared<AppendChunk>(std::move(chunk));
  context_->Async<AppendChunk>(
      [stream = stream_, context = context_, shared,
       durable = stream_->durable()]() {
        return CompareChunk(*context->store, context->generator->tokenizer(),
                            stream->view(), durable, std::move(*shared));
      },
      [self = shared_from_this()](absl::StatusOr<AppendChunk> rest) {
        self->busy_ = false;
        if (self->observer_ == nullptr) return;
        if (!rest.ok()) return self->End(rest.status());
        if (rest->text.empty() && rest->ids.empty()) {
          self->observer_->OnAck(self->stream_->Ack());
          self->ChunkTaken();
        } else {
          self->chunks_.push_front(*std::move(rest));
        }
        self->TakeChunk();
        self->MaybeFinish();
      });
}

void LiveAppend::ChunkTaken() {
  owes_ready_ = true;
  MaybeReady();
}

void LiveAppend::MaybeReady() {
  if (observer_ == nullptr || !owes_ready_ || !begun_) return;
  const uint64_t unapplied =
      stream_->planned().byte_offset - stream_->applied().byte_offset;
  if (unapplied >= context_->options.limits.append_window_bytes ||
      stream_->writes_in_flight() >= kWritesInFlightMax ||
      (stream_->writes_in_flight() > 0 &&
       context_->log->queued_bytes() >=
           context_->options.log_queue_bytes_max)) {
    return;
  }
  owes_ready_ = false;
  observer_->OnReady();
}

void LiveAppend::MaybeFinish() {
  if (observer_ == nullptr || !closed_ || !begun_ || busy_ ||
      !chunks_.empty() || stream_->writes_in_flight() > 0 ||
      stream_->applied() < stream_->planned()) {
    return;
  }
  observer_->OnAck(stream_->Ack());
  End(absl::OkStatus());
}

}  // namespace oxbow
