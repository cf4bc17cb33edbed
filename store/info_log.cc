#include "store/info_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace oxbow {
namespace {

constexpr int64_t kFileBytesMax = 4 << 20;
constexpr size_t kLineBytesMax = 2048;

}  // namespace

InfoLog::InfoLog(std::string path)
    : Logger(rocksdb::WARN_LEVEL), path_(std::move(path)) {}

InfoLog::~InfoLog() {
  if (file_ >= 0) close(file_);
}

void InfoLog::Logv(const char* format, std::va_list values) {
  if (path_.empty()) return;
  char text[kLineBytesMax];
  if (vsnprintf(text, sizeof(text), format, values) < 0) return;
  const std::string line =
      absl::StrCat(absl::FormatTime(absl::Now()), " ", text, "\n");
  absl::MutexLock lock(&mu_);
  Write(line);
}

void InfoLog::Write(const std::string& line) {
  if (file_ >= 0 && bytes_ > kFileBytesMax) {
    close(file_);
    file_ = -1;
    rename(path_.c_str(), (path_ + ".old").c_str());
  }
  if (file_ < 0) {
    file_ =
        open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (file_ < 0) return;
    bytes_ = lseek(file_, 0, SEEK_END);
  }
  const ssize_t written = write(file_, line.data(), line.size());
  if (written > 0) bytes_ += written;
}

}  // namespace oxbow
