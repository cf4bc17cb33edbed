#include "store/rocks_status.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace oxbow {

bool IsDiskFull(const rocksdb::Status& status) {
  return status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit;
}

absl::Status FromRocks(const rocksdb::Status& status, absl::string_view doing) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = status.ToString();
  if (IsDiskFull(status)) {
    return absl::ResourceExhaustedError(
        absl::StrCat(doing, ": the disk is full (", text, ")."));
  }
  // RocksDB has no code for it, only strerror's words.
  if (status.IsIOError() && absl::StrContains(text, "Permission denied")) {
    return absl::PermissionDeniedError(
        absl::StrCat(doing, ": the system forbids it (", text, ")."));
  }
  if (status.IsNotSupported()) {
    return absl::UnimplementedError(absl::StrCat(doing, ": ", text, "."));
  }
  return absl::DataLossError(absl::StrCat(doing, " failed: ", text, "."));
}

}  // namespace oxbow
