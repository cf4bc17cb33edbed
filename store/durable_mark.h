// How far the store had acknowledged, noted beside it.
#ifndef OXBOW_STORE_DURABLE_MARK_H_
#define OXBOW_STORE_DURABLE_MARK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace oxbow {

// A small file with the number of the last change known to be synced.
//
// RocksDB drops a log's last record when it looks torn, as after a crash. A
// record that was acknowledged and then damaged can look the same; so can a
// log that lost its end. The mark tells them apart: what was acknowledged
// must be there. It is written without a sync after each synced change: a
// killed process leaves it exact, a power failure may leave it older, nothing
// leaves it newer than the log.
//
// Thread-compatible.
class DurableMark {
 public:
  // Opens or makes the file. An unreadable mark counts as 0: it can only
  // make the check weaker, never wrong. Errors are the system's.
  static absl::StatusOr<std::unique_ptr<DurableMark>> Open(
      const std::string& path);
  // What the file says, without making or keeping it; 0: nothing readable.
  static uint64_t Peek(const std::string& path);
  ~DurableMark();

  uint64_t change() const { return change_; }
  // Notes a later change. A failure leaves the mark older, which is allowed.
  void Raise(uint64_t change);

 private:
  DurableMark(int file, uint64_t change) : file_(file), change_(change) {}

  const int file_;
  uint64_t change_;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_DURABLE_MARK_H_
