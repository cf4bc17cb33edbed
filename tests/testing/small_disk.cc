#include "tests/testing/small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace oxbow {
namespace {

constexpr uint64_t kPieceBytes = 1 << 20;
constexpr uint64_t kPageBytes = 4096;

// A mount namespace of its own; 0 or the system's error.
int EnterNamespace() {
  if (unshare(CLONE_NEWNS) == 0) return 0;
  const uid_t user = geteuid();
  const gid_t group = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return errno;
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << user << " " << user << " 1";
  std::ofstream("/proc/self/gid_map") << group << " " << group << " 1";
  return 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SmallDisk>> SmallDisk::Mount(
    const std::string& folder, uint64_t bytes) {
  int error = EnterNamespace();
  if (error == 0) {
    // Fails in a chroot, where the mount is then seen outside, too.
    mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    std::filesystem::create_directories(folder);
    if (mount("oxbow_test", folder.c_str(), "tmpfs", 0,
              absl::StrCat("size=", bytes).c_str()) != 0) {
      error = errno;
    }
  }
  if (error != 0) {
    return absl::PermissionDeniedError(absl::StrCat(
        "no small disk can be mounted here (", strerror(error), ")"));
  }
  return std::unique_ptr<SmallDisk>(new SmallDisk(folder));
}

SmallDisk::~SmallDisk() {
  GiveBack();
  umount2(path_.c_str(), MNT_DETACH);
}

uint64_t SmallDisk::FreeBytes() const {
  struct statvfs disk;
  OXBOW_CHECK(statvfs(path_.c_str(), &disk) == 0) << path_;
  return uint64_t{disk.f_bavail} * disk.f_frsize;
}

bool SmallDisk::Take(uint64_t bytes) {
  if (fallocate(ballast_, 0, static_cast<off_t>(taken_),
                static_cast<off_t>(bytes)) != 0) {
    return false;
  }
  taken_ += bytes;
  return true;
}

void SmallDisk::LeaveFree(uint64_t bytes) {
  if (ballast_ < 0) {
    ballast_ = open((path_ + "/ballast").c_str(),
                    O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    OXBOW_CHECK(ballast_ >= 0) << path_;
  }
  uint64_t piece = kPieceBytes;
  while (piece >= kPageBytes) {
    const uint64_t free = FreeBytes();
    if (free < bytes + kPageBytes) return;
    piece = std::min(piece, free - bytes);
    // Somebody else may have taken it meanwhile.
    if (!Take(piece)) piece /= 2;
  }
}

void SmallDisk::GiveBack() {
  if (ballast_ < 0) return;
  close(ballast_);
  ballast_ = -1;
  taken_ = 0;
  unlink((path_ + "/ballast").c_str());
}

}  // namespace oxbow
