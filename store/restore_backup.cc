#include "store/restore_backup.h"

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "rocksdb/utilities/backup_engine.h"
#include "store/backup_note.h"
#include "store/open_rocks_db.h"
#include "store/rocks_status.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;

// Where the store stands until it is known to be whole.
constexpr char kRestoring[] = "/restoring";

absl::Status FromError(const std::error_code& error, absl::string_view doing) {
  if (!error) return absl::OkStatus();
  return absl::ErrnoToStatus(error.value(), doing);
}

absl::Status MakeEmpty(const std::string& store) {
  std::error_code error;
  fs::create_directories(store, error);
  RETURN_IF_ERROR(FromError(error, absl::StrCat("Making ", store)));
  fs::directory_iterator entries(store, error);
  RETURN_IF_ERROR(FromError(error, absl::StrCat("Reading ", store)));
  for (const fs::directory_entry& entry : entries) {
    const std::string name = entry.path().filename();
    if (name == "lost+found") continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "The folder ", store, " holds ", name,
        ": a backup is restored into a new or empty folder only."));
  }
  return absl::OkStatus();
}

// DataLoss: RocksDB passes over a backup whose list of files is damaged. One
// that is newer than all whole ones would be replaced by an older, unasked.
absl::Status CheckNewest(const rocksdb::BackupEngineReadOnly& engine,
                         const std::string& backups, uint32_t newest_whole) {
  std::vector<rocksdb::BackupID> damaged;
  engine.GetCorruptedBackups(&damaged);
  for (const rocksdb::BackupID id : damaged) {
    if (id <= newest_whole) continue;
    return absl::DataLossError(absl::StrCat(
        "Backup ", id, " in ", backups,
        ", the newest, is damaged: its list of files cannot be read. ",
        newest_whole == 0
            ? "There is no whole one."
            : absl::StrCat("The newest whole one is ", newest_whole,
                           ": ask for it by its id to restore it.")));
  }
  return absl::OkStatus();
}

absl::StatusOr<rocksdb::BackupInfo> Find(
    const rocksdb::BackupEngineReadOnly& engine,
    const RestoreOptions& options) {
  rocksdb::BackupInfo info;
  const rocksdb::Status found = options.id
                                    ? engine.GetBackupInfo(*options.id, &info)
                                    : engine.GetLatestBackupInfo(&info);
  if (!options.id) {
    RETURN_IF_ERROR(
        CheckNewest(engine, options.backups, found.ok() ? info.backup_id : 0));
  }
  if (found.IsNotFound()) {
    return absl::NotFoundError(absl::StrCat(
        "The folder of backups ", options.backups, " has no ",
        options.id ? absl::StrCat("backup ", *options.id) : "whole backup",
        "."));
  }
  RETURN_IF_ERROR(FromRocks(found, "Looking for the backup"));
  return info;
}

// Puts the store `from` into the folder `to`; its data last.
absl::Status Move(const std::string& from, const std::string& to) {
  std::error_code error;
  for (const std::string& name : StoreFiles()) {
    if (!fs::exists(from + name, error)) continue;
    fs::rename(from + name, to + name, error);
    RETURN_IF_ERROR(FromError(error, absl::StrCat("Renaming ", from, name)));
  }
  fs::remove_all(from, error);
  RETURN_IF_ERROR(FromError(error, absl::StrCat("Removing ", from)));
  return SyncFolder(to);
}

}  // namespace

absl::StatusOr<RestoredStore> RestoreBackup(const RestoreOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<BackupInfo> list,
                   ListBackups(options.backups));
  rocksdb::BackupEngineReadOnly* opened = nullptr;
  RETURN_IF_ERROR(FromRocks(
      rocksdb::BackupEngineReadOnly::Open(
          rocksdb::BackupEngineOptions(options.backups),
          rocksdb::Env::Default(), &opened),
      absl::StrCat("Opening the folder of backups ", options.backups)));
  const std::unique_ptr<rocksdb::BackupEngineReadOnly> engine(opened);
  ASSIGN_OR_RETURN(const rocksdb::BackupInfo found, Find(*engine, options));
  RestoredStore restored;
  for (const BackupInfo& info : list) {
    if (info.id == found.backup_id) restored.backup = info;
  }
  ASSIGN_OR_RETURN(const uint64_t acknowledged,
                   DecodeBackupNote(found.app_metadata));
  RETURN_IF_ERROR(MakeEmpty(options.store));
  const std::string place = options.store + kRestoring;
  ASSIGN_OR_RETURN(const std::string data,
                   MakeStoreFolder(place, acknowledged));
  RETURN_IF_ERROR(
      FromRocks(engine->RestoreDBFromBackup(rocksdb::RestoreOptions(),
                                            found.backup_id, data, data),
                absl::StrCat("Restoring backup ", found.backup_id, " into ",
                             options.store)));
  VerifyOptions verify;
  verify.store.path = place;
  verify.on_progress = options.on_progress;
  ASSIGN_OR_RETURN(restored.report, VerifyStore(verify));
  if (restored.report.whole()) RETURN_IF_ERROR(Move(place, options.store));
  return restored;
}

}  // namespace oxbow
