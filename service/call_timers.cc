#include "service/call_timers.h"

namespace oxbow {
namespace {

// How often it is looked whether a timer is due.
const absl::Duration kTick = absl::Milliseconds(100);

}  // namespace

CallTimers::CallTimers(const Clock* clock) : clock_(clock) {
  thread_ = std::thread([this] { Loop(); });
}

CallTimers::~CallTimers() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
}

void CallTimers::Loop() {
  absl::MutexLock lock(&mu_);
  while (true) {
    mu_.Await(absl::Condition(this, &CallTimers::IsArmed));
    mu_.AwaitWithTimeout(absl::Condition(&stopping_), kTick);
    if (stopping_) return;
    RingDue();
  }
}

void CallTimers::RingDue() {
  const absl::Time now = clock_->Now();
  while (!due_.empty() && due_.begin()->first <= now) {
    CallTimer* timer = due_.begin()->second;
    due_.erase(due_.begin());
    timer->due_ = absl::InfiniteFuture();
    timer->rang_ = true;
    // A copy: the ring may destroy its timer.
    const std::function<void()> ring = timer->ring_;
    ringing_ = timer;
    mu_.Unlock();
    ring();
    mu_.Lock();
    ringing_ = nullptr;
  }
}

void CallTimer::Start(absl::Duration limit) {
  absl::MutexLock lock(&timers_->mu_);
  timers_->due_.erase({due_, this});
  due_ = absl::InfiniteFuture();
  rang_ = false;
  if (limit == absl::ZeroDuration()) return;
  due_ = timers_->clock_->Now() + limit;
  timers_->due_.insert({due_, this});
}

bool CallTimer::Stop() {
  absl::MutexLock lock(&timers_->mu_);
  timers_->due_.erase({due_, this});
  due_ = absl::InfiniteFuture();
  // By its own thread the ring cannot be waited for.
  if (std::this_thread::get_id() != timers_->thread_.get_id()) {
    const auto quiet = [this]() ABSL_SHARED_LOCKS_REQUIRED(timers_->mu_) {
      return timers_->ringing_ != this;
    };
    timers_->mu_.Await(absl::Condition(&quiet));
  }
  return rang_;
}

}  // namespace oxbow
