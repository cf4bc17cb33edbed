// Whether a store may still grow.
#ifndef OXBOW_STORE_DISK_SPACE_H_
#define OXBOW_STORE_DISK_SPACE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace oxbow {

// Watches the bytes of a folder and of its disk. Thread-compatible.
class DiskSpace {
 public:
  struct Options {
    std::string path;
    uint64_t bytes_max = 0;  // of the folder; 0: no limit
    uint64_t free_bytes_min = 0;
  };

  explicit DiskSpace(const Options& options);

  // Counts `bytes` to be written. ResourceExhausted: the folder would pass
  // its limit, or CheckFree's.
  absl::Status Admit(uint64_t bytes);
  // ResourceExhausted: fewer than free_bytes_min + `bytes` are free.
  absl::Status CheckFree(uint64_t bytes) const;

 private:
  const Options options_;
  // At least what the folder holds: what it held when last measured, and
  // all that was admitted since. Measuring is a walk over the folder, done
  // only when this reaches the limit.
  uint64_t folder_bytes_ = 0;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_DISK_SPACE_H_
