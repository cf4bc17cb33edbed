// Bounds how many state files are in memory at once.
#ifndef OXBOW_SERVICE_TRANSFER_SLOTS_H_
#define OXBOW_SERVICE_TRANSFER_SLOTS_H_

#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/error_reason.h"

namespace oxbow {

// Thread-safe. Must outlive what it gives.
class TransferSlots {
 public:
  // Held while a file is in memory; gives its place back when it goes.
  using Slot = std::shared_ptr<void>;

  explicit TransferSlots(int count) : count_(count) {}

  // ResourceExhausted/TOO_MANY_TRANSFERS.
  absl::StatusOr<Slot> Take() {
    Slot slot(this, [](void* slots) {
      --static_cast<TransferSlots*>(slots)->taken_;
    });
    if (++taken_ <= count_) return slot;
    return WithReason(
        absl::ResourceExhaustedError(absl::StrCat(
            count_, " state files are on their way already; try again later")),
        "TOO_MANY_TRANSFERS");
  }

 private:
  const int count_;
  std::atomic<int> taken_{0};
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_TRANSFER_SLOTS_H_
