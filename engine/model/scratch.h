// Activation rows of one step.
#ifndef OXBOW_ENGINE_MODEL_SCRATCH_H_
#define OXBOW_ENGINE_MODEL_SCRATCH_H_

#include <cstdint>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/ops.h"

namespace oxbow {

// Rows that keep their memory from step to step and grow when a step has more
// rows than any before. What they hold does not outlive a step.
//
// Thread-compatible. Borrows the ops.
class Scratch {
 public:
  explicit Scratch(Ops* ops) : ops_(ops) {}

  // Declares rows of this width; call before the first Rows(). Returns their
  // number.
  int Add(int width);
  // Makes room for `count` rows. Stops the process when memory is out: a step
  // that has begun has no way back.
  void Resize(int count);
  // The declared rows, `count` of them as last resized.
  Rows Get(int index) const;

 private:
  struct Kind {
    int width;
    int64_t pitch;
    Buffer buffer;
  };

  Ops* const ops_;
  int count_ = 0;
  int count_max_ = 0;
  std::vector<Kind> kinds_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_SCRATCH_H_
