#include "store/log_writer.h"

#include <utility>
#include <vector>

namespace oxbow {
namespace {

template <typename T>
void AddAll(std::vector<T>* to, const std::vector<T>& from) {
  to->insert(to->end(), from.begin(), from.end());
}

void Merge(StoreBatch* to, const StoreBatch& from) {
  AddAll(&to->put_streams, from.put_streams);
  AddAll(&to->appends, from.appends);
  AddAll(&to->put_checkpoints, from.put_checkpoints);
  AddAll(&to->put_checkpoint_headers, from.put_checkpoint_headers);
  AddAll(&to->delete_checkpoints, from.delete_checkpoints);
  AddAll(&to->put_embeddings, from.put_embeddings);
  AddAll(&to->put_requests, from.put_requests);
  AddAll(&to->put_beginnings, from.put_beginnings);
}

// Whether another batch may be written as one with those up to `last`. A
// batch applies its deletions last, so what is put after them has to wait.
bool MayBeFollowed(const StoreBatch& last) {
  return last.put_checkpoint_headers.empty() && last.delete_checkpoints.empty();
}

// Whether the store declined a batch for what it says, and is well.
bool IsRefusal(const absl::Status& status) {
  return absl::IsAlreadyExists(status) || absl::IsFailedPrecondition(status) ||
         absl::IsInvalidArgument(status);
}

}  // namespace

LogWriter::LogWriter(StreamStore* store, const Options& options)
    : store_(store), options_(options), thread_([this] { Run(); }) {}

LogWriter::~LogWriter() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
}

void LogWriter::Write(StoreBatch batch,
                      std::function<void(absl::Status)> done) {
  const size_t bytes = batch.ByteSize();
  absl::MutexLock lock(&mu_);
  queued_bytes_ += bytes;
  queue_.push_back({std::move(batch), bytes, std::move(done)});
}

size_t LogWriter::queued_bytes() const {
  absl::MutexLock lock(&mu_);
  return queued_bytes_;
}

void LogWriter::Run() {
  while (true) {
    std::deque<Item> group;
    size_t bytes = 0;
    {
      const auto woken = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
        return stopping_ || !queue_.empty();
      };
      absl::MutexLock lock(&mu_, absl::Condition(&woken));
      if (queue_.empty()) return;
      do {
        bytes += queue_.front().bytes;
        group.push_back(std::move(queue_.front()));
        queue_.pop_front();
      } while (!queue_.empty() && MayBeFollowed(group.back().batch) &&
               bytes + queue_.front().bytes <= options_.group_bytes_max);
    }
    WriteGroup(std::move(group));
    absl::MutexLock lock(&mu_);
    queued_bytes_ -= bytes;
  }
}

absl::Status LogWriter::WriteSynced(const StoreBatch& batch) {
  if (!failed_.ok()) return failed_;
  absl::Status status = store_->Write(batch, /*sync=*/true);
  if (!status.ok() && !IsRefusal(status) &&
      !absl::IsResourceExhausted(status)) {
    failed_ = status;
  }
  return status;
}

void LogWriter::WriteGroup(std::deque<Item> group) {
  if (group.size() > 1) {
    StoreBatch merged;
    for (const Item& item : group) Merge(&merged, item.batch);
    const absl::Status status = WriteSynced(merged);
    if (!IsRefusal(status)) {
      for (const Item& item : group) item.done(status);
      return;
    }
  }
  // One by one, so that a batch the store refuses harms none of its
  // neighbours.
  for (const Item& item : group) item.done(WriteSynced(item.batch));
}

}  // namespace oxbow
