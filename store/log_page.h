// Records of one log as they are read, held to what a log is.
#ifndef OXBOW_STORE_LOG_PAGE_H_
#define OXBOW_STORE_LOG_PAGE_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "store/records.h"

namespace oxbow {

// Whether a record may stand behind `before`; null: it is the first that is
// looked at, which tells only if it is the log's first (sequence 0). DataLoss:
// sequence, begin or chain do not follow.
absl::Status CheckFollows(const LogRecord* before, const LogRecord& record);

// Takes consecutive records until `bytes_max` bytes of content are passed,
// and refuses one that does not follow the one before. Thread-compatible.
class LogPage {
 public:
  explicit LogPage(size_t bytes_max) : bytes_max_(bytes_max) {}

  // DataLoss: the record does not follow the one before (CheckFollows).
  absl::Status Add(LogRecord record);
  bool full() const { return bytes_ >= bytes_max_ && !records_.empty(); }
  std::vector<LogRecord> TakeRecords() { return std::move(records_); }

 private:
  const size_t bytes_max_;
  size_t bytes_ = 0;
  std::vector<LogRecord> records_;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_LOG_PAGE_H_
