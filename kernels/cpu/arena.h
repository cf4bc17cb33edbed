// Memory for weights: a few big blocks, on huge pages where the system agrees.
#ifndef OXBOW_KERNELS_CPU_ARENA_H_
#define OXBOW_KERNELS_CPU_ARENA_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"

namespace oxbow {

// Hands out memory that lives as long as the arena, one piece after another.
// A decode step reads every weight once, so the pages' size shows: huge pages
// save 2 to 8 percent.
//
// Thread-compatible.
class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `bytes` zero bytes, aligned to 64. ResourceExhausted if the system has
  // none, or if the machine could not hold them.
  absl::StatusOr<void*> Allocate(size_t bytes);

 private:
  struct Block {
    void* mapping;
    size_t mapping_bytes;
  };

  absl::Status AddBlock(size_t bytes);

  std::vector<Block> blocks_;
  char* next_ = nullptr;
  size_t left_bytes_ = 0;
  size_t total_bytes_ = 0;
};

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_ARENA_H_
