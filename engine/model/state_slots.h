// The live states of a model, by number.
#ifndef OXBOW_ENGINE_MODEL_STATE_SLOTS_H_
#define OXBOW_ENGINE_MODEL_STATE_SLOTS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/model/model.h"
#include "kernels/buffer.h"
#include "kernels/ops.h"

namespace oxbow {

// Memory for at most `slots_max` states in the backend, taken when first
// needed and kept for the next.
//
// Thread-compatible. Borrows the ops.
class StateSlots {
 public:
  // `initial` is the state before the first token.
  StateSlots(Ops* ops, std::vector<float> initial, int slots_max)
      : ops_(ops), initial_(std::move(initial)), slots_max_(slots_max) {}

  // ResourceExhausted when all are in use, or memory is.
  absl::StatusOr<StateSlot> New();
  void Free(StateSlot slot);
  void Reset(StateSlot slot);
  void Copy(StateSlot to, StateSlot from);
  void Read(StateSlot slot, absl::Span<char> bytes) const;
  absl::Status Write(StateSlot slot, absl::Span<const char> bytes);

  // The numbers of a slot in use; anything else is a bug.
  float* Get(StateSlot slot) const;

 private:
  struct Slot {
    Buffer buffer;
    bool in_use = false;
  };

  // Numbers of a state.
  int64_t count() const { return static_cast<int64_t>(initial_.size()); }

  Ops* const ops_;
  const std::vector<float> initial_;
  const int slots_max_;
  std::vector<Slot> slots_;
  std::vector<StateSlot> free_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_STATE_SLOTS_H_
