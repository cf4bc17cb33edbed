#include "store/backup_note.h"

#include "base/status_macros.h"
#include "store/records.pb.h"
#include "store/seal.h"

namespace oxbow {
namespace {

// Sealed like a store's values, under a key that none of them has.
constexpr char kKey[] = "backup";

}  // namespace

std::string EncodeBackupNote(uint64_t acknowledged) {
  store::BackupNote note;
  note.set_acknowledged(acknowledged);
  return Seal(kKey, note);
}

absl::StatusOr<uint64_t> DecodeBackupNote(absl::string_view bytes) {
  store::BackupNote note;
  RETURN_IF_ERROR(Unseal(kKey, bytes, &note));
  return note.acknowledged();
}

}  // namespace oxbow
