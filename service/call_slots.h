// Bounds how many calls of a kind there are at once.
#ifndef OXBOW_SERVICE_CALL_SLOTS_H_
#define OXBOW_SERVICE_CALL_SLOTS_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/error_reason.h"

namespace oxbow {

// Thread-safe. Must outlive what it gives.
class CallSlots {
 public:
  // Held by a call; gives its place back when it goes.
  using Slot = std::shared_ptr<void>;

  // `what`: the calls, as told to those that are refused; `reason`: of
  // docs/errors.md.
  CallSlots(int count, std::string what, std::string reason)
      : count_(count), what_(std::move(what)), reason_(std::move(reason)) {}

  // ResourceExhausted with the reason.
  absl::StatusOr<Slot> Take() {
    Slot slot(this,
              [](void* slots) { --static_cast<CallSlots*>(slots)->taken_; });
    if (++taken_ <= count_) return slot;
    return WithReason(
        absl::ResourceExhaustedError(absl::StrCat(
            count_, " ", what_, " are on their way already; try again later")),
        reason_);
  }

 private:
  const int count_;
  const std::string what_;
  const std::string reason_;
  std::atomic<int> taken_{0};
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_CALL_SLOTS_H_
