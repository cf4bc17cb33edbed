#include "service/tokenize_worker.h"

#include <utility>

#include "engine/error_reason.h"

namespace oxbow {

TokenizeWorker::TokenizeWorker(int queue_max)
    : queue_max_(queue_max), thread_([this] { Loop(); }) {}

TokenizeWorker::~TokenizeWorker() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
}

absl::Status TokenizeWorker::Run(std::function<void()> work) {
  absl::MutexLock lock(&mu_);
  if (queue_.size() >= queue_max_) {
    return WithReason(absl::ResourceExhaustedError(
                          "too many requests to tokenize are waiting"),
                      "TOO_BUSY");
  }
  queue_.push_back(std::move(work));
  return absl::OkStatus();
}

void TokenizeWorker::Loop() {
  while (true) {
    std::function<void()> work;
    {
      absl::MutexLock lock(&mu_);
      const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return stopping_ || !queue_.empty();
      };
      mu_.Await(absl::Condition(&wanted));
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace oxbow
