#include "clients/bench/crew.h"

#include <utility>

namespace oxbow::bench {

void Crew::Add(std::function<absl::Status()> work,
               std::function<void()> cancel) {
  {
    absl::MutexLock lock(&mu_);
    ++running_;
  }
  cancels_.push_back(std::move(cancel));
  threads_.emplace_back([this, work = std::move(work)] {
    const absl::Status status = work();
    absl::MutexLock lock(&mu_);
    --running_;
    if (!stopping_ && fault_.ok()) fault_ = status;
  });
}

absl::Status Crew::fault() const {
  absl::MutexLock lock(&mu_);
  return fault_;
}

bool Crew::done() const {
  absl::MutexLock lock(&mu_);
  return running_ == 0;
}

void Crew::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  for (const auto& cancel : cancels_) cancel();
  for (std::thread& thread : threads_) thread.join();
  cancels_.clear();
  threads_.clear();
}

}  // namespace oxbow::bench
