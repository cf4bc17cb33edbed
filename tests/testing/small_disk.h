// A real file system of a few megabytes, to be filled.
#ifndef OXBOW_TESTS_TESTING_SMALL_DISK_H_
#define OXBOW_TESTS_TESTING_SMALL_DISK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace oxbow {

// Thread-compatible. The destructor unmounts: end what uses it before.
class SmallDisk {
 public:
  // Mounts a tmpfs of so many bytes at the folder, for this process and those
  // that it starts from now on: as root in a mount namespace of their own,
  // otherwise in a user namespace, too, where that is allowed (not in a
  // chroot). Call it before the process has threads. PermissionDenied: neither
  // is allowed here.
  static absl::StatusOr<std::unique_ptr<SmallDisk>> Mount(
      const std::string& folder, uint64_t bytes);
  ~SmallDisk();

  const std::string& path() const { return path_; }
  uint64_t FreeBytes() const;
  // Takes what is free, but for so many bytes.
  void LeaveFree(uint64_t bytes);
  // Gives all that back.
  void GiveBack();

 private:
  explicit SmallDisk(std::string path) : path_(std::move(path)) {}
  // Whether the ballast grew.
  bool Take(uint64_t bytes);

  const std::string path_;
  int ballast_ = -1;
  uint64_t taken_ = 0;
};

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_SMALL_DISK_H_
