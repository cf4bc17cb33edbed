// What is written with a backup besides its files.
#ifndef OXBOW_STORE_BACKUP_NOTE_H_
#define OXBOW_STORE_BACKUP_NOTE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace oxbow {

// The note of a backup of a store whose newest acknowledged change that was.
std::string EncodeBackupNote(uint64_t acknowledged);

// That change. DataLoss: damaged, or no backup of ours.
absl::StatusOr<uint64_t> DecodeBackupNote(absl::string_view note);

}  // namespace oxbow

#endif  // OXBOW_STORE_BACKUP_NOTE_H_
