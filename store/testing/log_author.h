// Writes one uid's log, for tests.
#ifndef OXBOW_STORE_TESTING_LOG_AUTHOR_H_
#define OXBOW_STORE_TESTING_LOG_AUTHOR_H_

#include <string>
#include <vector>

#include "store/records.h"

namespace oxbow {

// Makes records that follow each other as a log's must. Thread-compatible.
class LogAuthor {
 public:
  // The log begins at `begin`: the end of a fork's ancestry.
  explicit LogAuthor(Position begin = {}) : end_(begin) {}
  // Goes on after a log's last record.
  explicit LogAuthor(const LogRecord& last)
      : end_(last.End()),
        next_sequence_(last.sequence + 1),
        chain_(last.chain) {}

  LogRecord Text(const std::string& text);
  // Ids that are `byte_length` bytes in all.
  LogRecord Tokens(std::vector<int> ids, uint64_t byte_length,
                   uint64_t zero_byte_tokens_at_end);

  // Where the next record begins.
  Position end() const { return end_; }
  uint64_t next_sequence() const { return next_sequence_; }

 private:
  LogRecord Finish(LogRecord record);

  Position end_;
  uint64_t next_sequence_ = 0;
  Digest chain_{};
};

}  // namespace oxbow

#endif  // OXBOW_STORE_TESTING_LOG_AUTHOR_H_
