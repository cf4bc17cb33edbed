// One process at a time in a folder.
#ifndef OXBOW_STORE_FOLDER_LOCK_H_
#define OXBOW_STORE_FOLDER_LOCK_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace oxbow {

// Holds the file `lock` of a folder while it lives. The system lets go when
// the process ends, however it ends.
class FolderLock {
 public:
  // FailedPrecondition: somebody else holds it, in this process or another.
  // PermissionDenied; ResourceExhausted: the disk is full.
  static absl::StatusOr<std::unique_ptr<FolderLock>> Take(
      const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  explicit FolderLock(int file) : file_(file) {}

  const int file_;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_FOLDER_LOCK_H_
