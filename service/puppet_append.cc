#include "service/puppet_append.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "engine/error_reason.h"

namespace oxbow {

PuppetAppend::PuppetAppend(TokenizeWorker* thread, absl::Mutex* mu,
                           PuppetStream* stream, PuppetAppendScript* script,
                           Observer* observer)
    : thread_(thread),
      mu_(mu),
      stream_(stream),
      script_(script),
      observer_(observer) {}

void PuppetAppend::Post(std::function<void()> work) {
  OXBOW_CHECK_OK(thread_->Run(
      [self = shared_from_this(), work = std::move(work)] { work(); }));
}

AppendAck PuppetAppend::NewAck() const {
  absl::MutexLock lock(mu_);
  AppendAck ack;
  if (stream_ == nullptr) return ack;
  ack.durable = ack.applied = {stream_->text.size(), 0};
  ack.token_offset = stream_->text.size();
  return ack;
}

void PuppetAppend::Finish(const absl::Status& status) {
  {
    absl::MutexLock lock(mu_);
    if (std::exchange(ended_, true)) return;
  }
  observer_->OnDone(status, NewAck());
}

void PuppetAppend::Open(absl::optional<Position> last_durable) {
  Post([this, last_durable] {
    if (stream_ == nullptr) {
      return Finish(
          WithReason(absl::NotFoundError("no such stream"), "NO_STREAM"));
    }
    const AppendAck ack = NewAck();
    if (last_durable.has_value() && ack.durable < *last_durable) {
      return Finish(WithReason(absl::DataLossError("less is held than said"),
                               "DURABLE_BYTES_LOST"));
    }
    if (script_->by_hand) return;
    observer_->OnAck(ack);
    observer_->OnReady();
  });
}

absl::Status PuppetAppend::Apply(const AppendChunk& chunk) {
  absl::MutexLock lock(mu_);
  const uint64_t end = stream_->text.size();
  const uint64_t begin =
      chunk.position.has_value() ? chunk.position->byte_offset : end;
  if (begin > end) {
    return WithReason(
        absl::OutOfRangeError(absl::StrCat("the chunk begins at ", begin,
                                           ", and the stream ends at ", end)),
        "OFFSET_GAP", {{"expected_byte_offset", absl::StrCat(end)}});
  }
  std::string text = chunk.text;
  for (const int id : chunk.ids) text.push_back(static_cast<char>(id));
  const uint64_t overlap = std::min<uint64_t>(end - begin, text.size());
  if (stream_->text.compare(begin, overlap, text, 0, overlap) != 0) {
    return WithReason(absl::AlreadyExistsError("other bytes are there"),
                      "CHUNK_CONFLICT");
  }
  stream_->text += text.substr(overlap);
  if (script_->break_after_bytes > 0 &&
      stream_->text.size() >= script_->break_after_bytes) {
    script_->break_after_bytes = 0;
    stream_->text = script_->text_after_break.value_or(stream_->text);
    return absl::UnavailableError("the puppet goes away");
  }
  return absl::OkStatus();
}

void PuppetAppend::Write(AppendChunk chunk) {
  {
    absl::MutexLock lock(mu_);
    chunks_.push_back(chunk);
  }
  Post([this, chunk = std::move(chunk)] {
    if (script_->by_hand) return;
    const absl::Status status = Apply(chunk);
    if (!status.ok()) return Finish(status);
    observer_->OnAck(NewAck());
    observer_->OnReady();
  });
}

void PuppetAppend::Close() {
  {
    absl::MutexLock lock(mu_);
    closed_ = true;
  }
  Post([this] {
    if (!script_->by_hand) Finish(absl::OkStatus());
  });
}

void PuppetAppend::Cancel() {
  {
    absl::MutexLock lock(mu_);
    cancelled_ = true;
  }
  Post([this] { Finish(absl::CancelledError("the client is gone")); });
}

void PuppetAppend::Ack(uint64_t durable_bytes) {
  Post([this, durable_bytes] {
    AppendAck ack;
    ack.durable = {durable_bytes, 0};
    observer_->OnAck(ack);
  });
}

void PuppetAppend::Ready() {
  Post([this] { observer_->OnReady(); });
}

void PuppetAppend::End(const absl::Status& status) {
  Post([this, status] { Finish(status); });
}

std::vector<AppendChunk> PuppetAppend::chunks() const {
  absl::MutexLock lock(mu_);
  return chunks_;
}

bool PuppetAppend::closed() const {
  absl::MutexLock lock(mu_);
  return closed_;
}

bool PuppetAppend::cancelled() const {
  absl::MutexLock lock(mu_);
  return cancelled_;
}

}  // namespace oxbow
