#include "engine/stream_table.h"

#include "absl/strings/str_cat.h"
#include "engine/error_reason.h"

namespace oxbow {
namespace {

absl::Status NoStream(const std::string& name) {
  return WithReason(
      absl::NotFoundError(absl::StrCat("there is no stream '", name, "'")),
      "NO_STREAM");
}

}  // namespace

std::shared_ptr<LiveStream> StreamTable::Find(const StreamName& name) const {
  const auto found = open_.find({name.tenant, name.stream});
  return found == open_.end() ? nullptr : found->second;
}

void StreamTable::Open(const StreamName& name, OnStream done) {
  const Key key{name.tenant, name.stream};
  const auto found = open_.find(key);
  if (found != open_.end()) {
    const std::shared_ptr<LiveStream> stream = found->second;
    const bool expired = stream->record().expires <= context_->clock->Now();
    const bool reopen = !stream->status().ok() && stream->idle();
    if (!expired && !reopen) return done(stream);
    // A log that failed once is read anew; what has expired is gone.
    if (expired) stream->Refuse(NoStream(name.stream), []() {});
    stream->Stop();
    open_.erase(found);
  }
  std::vector<OnStream>& waiting = opening_[key];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  context_->Async<StoredStream>(
      [context = context_, name]() { return LoadStream(*context, name); },
      [this, key](absl::StatusOr<StoredStream> stored) {
        OnLoaded(key, std::move(stored));
      });
}

void StreamTable::OnLoaded(const Key& key,
                           absl::StatusOr<StoredStream> stored) {
  const std::vector<OnStream> waiting = std::move(opening_[key]);
  opening_.erase(key);
  absl::StatusOr<std::shared_ptr<LiveStream>> stream = NoStream(key.second);
  if (stored.ok()) {
    stream = StartStream(*std::move(stored));
  } else if (!absl::IsNotFound(stored.status())) {
    stream = stored.status();
  }
  if (stream.ok()) open_[key] = *stream;
  for (const OnStream& done : waiting) done(stream);
}

std::shared_ptr<LiveStream> StreamTable::StartStream(StoredStream stored) {
  const size_t open_max = context_->options.limits.open_streams_max;
  if (open_.size() >= open_max) CloseLeastRecentlyUsed();
  auto stream = std::make_shared<LiveStream>(context_, std::move(stored));
  stream->Start();
  return stream;
}

void StreamTable::CloseLeastRecentlyUsed() {
  auto oldest = open_.end();
  for (auto stream = open_.begin(); stream != open_.end(); ++stream) {
    if (!stream->second->unused()) continue;
    if (oldest == open_.end() ||
        stream->second->last_used() < oldest->second->last_used()) {
      oldest = stream;
    }
  }
  if (oldest != open_.end()) Close(oldest);
}

void StreamTable::Close(
    std::map<Key, std::shared_ptr<LiveStream>>::iterator stream) {
  // The states are copied now and stored in order before any later read.
  const std::shared_ptr<LiveStream> closing = stream->second;
  open_.erase(stream);
  closing->CheckpointAll([]() {});
  closing->Stop();
}

void StreamTable::CloseIdle() {
  const absl::Time limit =
      context_->clock->Now() - context_->options.idle_close;
  for (auto stream = open_.begin(); stream != open_.end();) {
    const auto next = std::next(stream);
    if (stream->second->idle() && stream->second->last_used() < limit) {
      Close(stream);
    }
    stream = next;
  }
}

void StreamTable::Drop(const StreamName& name, std::function<void()> quiet) {
  const auto found = open_.find({name.tenant, name.stream});
  if (found == open_.end()) return quiet();
  const std::shared_ptr<LiveStream> stream = found->second;
  open_.erase(found);
  stream->Refuse(NoStream(name.stream), [stream, quiet = std::move(quiet)]() {
    stream->Stop();
    quiet();
  });
}

void StreamTable::DismissWriters(const absl::Status& status) {
  const auto open = open_;
  for (const auto& [key, stream] : open) stream->Dismiss(status);
}

void StreamTable::WakeReaders() {
  const auto open = open_;
  for (const auto& [key, stream] : open) stream->WakeReaders();
}

bool StreamTable::all_idle() const {
  if (!opening_.empty()) return false;
  for (const auto& [key, stream] : open_) {
    if (!stream->idle()) return false;
  }
  return true;
}

void StreamTable::CheckpointAll(std::function<void()> done) {
  auto left = std::make_shared<int>(1);
  const auto one_done = [left, done = std::move(done)]() {
    if (--*left == 0) done();
  };
  for (const auto& [key, stream] : open_) {
    ++*left;
    stream->CheckpointAll(one_done);
  }
  one_done();
}

void StreamTable::StopAll() {
  for (const auto& [key, stream] : open_) stream->Stop();
  open_.clear();
}

}  // namespace oxbow
