#include "store/disk_space.h"

#include <sys/statvfs.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;

uint64_t BytesOf(const std::string& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::end(entry); entry.increment(error)) {
    // A file that RocksDB has just removed counts as none.
    std::error_code gone;
    const uint64_t size = entry->file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace

DiskSpace::DiskSpace(const Options& options)
    : options_(options), folder_bytes_(BytesOf(options.path)) {}

absl::Status DiskSpace::CheckFree(uint64_t bytes) const {
  struct statvfs disk;
  if (options_.free_bytes_min == 0 ||
      statvfs(options_.path.c_str(), &disk) != 0) {
    return absl::OkStatus();
  }
  const uint64_t free = uint64_t{disk.f_bavail} * disk.f_frsize;
  if (free >= options_.free_bytes_min + bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "The disk of ", options_.path, " has ", free, " bytes left; ",
      options_.free_bytes_min, " are kept free."));
}

absl::Status DiskSpace::Admit(uint64_t bytes) {
  RETURN_IF_ERROR(CheckFree(bytes));
  if (options_.bytes_max > 0 && folder_bytes_ + bytes > options_.bytes_max) {
    folder_bytes_ = BytesOf(options_.path);
    if (folder_bytes_ + bytes > options_.bytes_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat("The store ", options_.path, " holds ", folder_bytes_,
                       " bytes of the ", options_.bytes_max, " it may."));
    }
  }
  folder_bytes_ += bytes;
  return absl::OkStatus();
}

}  // namespace oxbow
