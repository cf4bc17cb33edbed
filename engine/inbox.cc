#include "engine/inbox.h"

#include <utility>

namespace oxbow {

void Inbox::Post(std::function<void()> work) {
  absl::MutexLock lock(&mu_);
  work_.push_back(std::move(work));
}

std::vector<std::function<void()>> Inbox::Take(absl::Duration timeout) {
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithTimeout(absl::Condition(this, &Inbox::HasWork), timeout);
  std::vector<std::function<void()>> work;
  work.swap(work_);
  return work;
}

}  // namespace oxbow
