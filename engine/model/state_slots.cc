#include "engine/model/state_slots.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace oxbow {

absl::StatusOr<StateSlot> StateSlots::New() {
  StateSlot slot;
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
  } else {
    if (static_cast<int>(slots_.size()) >= slots_max_) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "all ", slots_max_, " places for live states are in use"));
    }
    ASSIGN_OR_RETURN(Buffer buffer, ops_->Allocate(count()));
    slot = static_cast<StateSlot>(slots_.size());
    slots_.push_back({std::move(buffer), false});
  }
  slots_[slot].in_use = true;
  Reset(slot);
  return slot;
}

void StateSlots::Free(StateSlot slot) {
  Get(slot);  // Must be in use.
  slots_[slot].in_use = false;
  free_.push_back(slot);
}

void StateSlots::Reset(StateSlot slot) { ops_->Write(Get(slot), initial_); }

void StateSlots::Copy(StateSlot to, StateSlot from) {
  if (to != from) ops_->Copy(Get(to), Get(from), count());
}

void StateSlots::Read(StateSlot slot, absl::Span<char> bytes) const {
  OXBOW_CHECK(bytes.size() == count() * sizeof(float)) << bytes.size();
  std::vector<float> numbers(count());
  ops_->Read(absl::MakeSpan(numbers), Get(slot));
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
}

absl::Status StateSlots::Write(StateSlot slot, absl::Span<const char> bytes) {
  if (bytes.size() != count() * sizeof(float)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a state of ", bytes.size(), " bytes, want ", count() * sizeof(float)));
  }
  std::vector<float> numbers(count());
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  for (int64_t i = 0; i < count(); ++i) {
    if (!std::isfinite(numbers[i])) {
      return absl::InvalidArgumentError(
          absl::StrCat("number ", i, " of the state is not finite"));
    }
  }
  ops_->Write(Get(slot), numbers);
  return absl::OkStatus();
}

float* StateSlots::Get(StateSlot slot) const {
  OXBOW_CHECK(slot >= 0 && slot < static_cast<int>(slots_.size()) &&
              slots_[slot].in_use)
      << "state slot " << slot;
  return slots_[slot].buffer.data();
}

}  // namespace oxbow
