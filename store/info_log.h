// RocksDB's log for people, on a disk that may be full.
#ifndef OXBOW_STORE_INFO_LOG_H_
#define OXBOW_STORE_INFO_LOG_H_

#include <cstdarg>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "rocksdb/env.h"

namespace oxbow {

// Warnings and worse, a line each, in a file of at most 4 MiB and its
// predecessor, NAME.old. What cannot be written is left out: RocksDB's own
// logger stops the process at the second line that a full disk refuses.
// Thread-safe.
class InfoLog : public rocksdb::Logger {
 public:
  // Empty: nowhere. The file is made with the first line.
  explicit InfoLog(std::string path);
  ~InfoLog() override;

  using rocksdb::Logger::Logv;
  void Logv(const char* format, std::va_list values) override;
  // All settings, at each start.
  void LogHeader(const char*, std::va_list) override {}

 private:
  void Write(const std::string& line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;
  absl::Mutex mu_;
  int file_ ABSL_GUARDED_BY(mu_) = -1;
  int64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_INFO_LOG_H_
