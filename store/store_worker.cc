#include "store/store_worker.h"

#include <utility>

namespace oxbow {

StoreWorker::StoreWorker() : thread_([this] { Loop(); }) {}

StoreWorker::~StoreWorker() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
}

void StoreWorker::Run(std::function<void()> work) {
  absl::MutexLock lock(&mu_);
  queue_.push_back(std::move(work));
  ++pending_;
}

int StoreWorker::pending() const {
  absl::MutexLock lock(&mu_);
  return pending_;
}

void StoreWorker::Loop() {
  while (true) {
    std::function<void()> work;
    {
      const auto woken = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
        return stopping_ || !queue_.empty();
      };
      absl::MutexLock lock(&mu_, absl::Condition(&woken));
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
    work = nullptr;  // What it holds goes before it counts as done.
    absl::MutexLock lock(&mu_);
    --pending_;
  }
}

}  // namespace oxbow
