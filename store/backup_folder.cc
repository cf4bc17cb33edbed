#include "store/backup_folder.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "rocksdb/env.h"
#include "rocksdb/utilities/backup_engine.h"
#include "store/backup_note.h"
#include "store/check_backup_lists.h"
#include "store/rocks_status.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;

// What RocksDB makes in a folder of backups.
constexpr char kMeta[] = "/meta";

rocksdb::BackupEngineOptions EngineOptions(const std::string& path) {
  return rocksdb::BackupEngineOptions(path);
}

// A folder that holds something else is not filled.
absl::Status CheckKind(const std::string& path) {
  std::error_code error;
  if (fs::exists(path + kMeta, error)) return absl::OkStatus();
  fs::directory_iterator entries(path, error);
  if (error) return absl::ErrnoToStatus(error.value(), path);
  for (const fs::directory_entry& entry : entries) {
    const std::string name = entry.path().filename();
    if (name == "lock" || name == "lost+found") continue;
    return absl::FailedPreconditionError(
        absl::StrCat("The folder ", path, " holds ", name,
                     " and no backups. Backups need a folder of their own."));
  }
  return absl::OkStatus();
}

BackupInfo ToInfo(const rocksdb::BackupInfo& rocks) {
  BackupInfo info;
  info.id = rocks.backup_id;
  info.made = absl::FromUnixSeconds(rocks.timestamp);
  info.bytes = rocks.size;
  // An unreadable note promises nothing; restoring it says so.
  info.change = DecodeBackupNote(rocks.app_metadata).value_or(0);
  return info;
}

std::vector<BackupInfo> ListOf(
    const rocksdb::BackupEngineReadOnlyBase& engine) {
  std::vector<rocksdb::BackupInfo> infos;
  engine.GetBackupInfo(&infos);
  std::vector<BackupInfo> list;
  for (const rocksdb::BackupInfo& info : infos) list.push_back(ToInfo(info));
  return list;
}

}  // namespace

BackupFolder::BackupFolder(std::string path, std::unique_ptr<FolderLock> lock,
                           std::unique_ptr<rocksdb::Env> env,
                           std::unique_ptr<rocksdb::BackupEngine> engine)
    : path_(std::move(path)),
      lock_(std::move(lock)),
      env_(std::move(env)),
      engine_(std::move(engine)) {}

BackupFolder::~BackupFolder() = default;

absl::StatusOr<std::unique_ptr<BackupFolder>> BackupFolder::Open(
    const std::string& path, std::shared_ptr<rocksdb::FileSystem> file_system) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    return absl::ErrnoToStatus(error.value(), absl::StrCat("Making ", path));
  }
  RETURN_IF_ERROR(CheckKind(path));
  absl::StatusOr<std::unique_ptr<FolderLock>> lock = FolderLock::Take(path);
  if (absl::IsFailedPrecondition(lock.status())) {
    return absl::FailedPreconditionError(absl::StrCat(
        "Another program has the folder of backups ", path, " open."));
  }
  RETURN_IF_ERROR(lock.status());
  std::unique_ptr<rocksdb::Env> env;
  if (file_system != nullptr) {
    env = rocksdb::NewCompositeEnv(std::move(file_system));
  }
  RETURN_IF_ERROR(CheckBackupLists(path));
  rocksdb::BackupEngine* engine = nullptr;
  RETURN_IF_ERROR(FromRocks(
      rocksdb::BackupEngine::Open(
          EngineOptions(path),
          env == nullptr ? rocksdb::Env::Default() : env.get(), &engine),
      absl::StrCat("Opening the folder of backups ", path)));
  return std::unique_ptr<BackupFolder>(
      new BackupFolder(path, *std::move(lock), std::move(env),
                       std::unique_ptr<rocksdb::BackupEngine>(engine)));
}

absl::StatusOr<BackupInfo> BackupFolder::Add(rocksdb::DB* db,
                                             uint64_t acknowledged) {
  rocksdb::CreateBackupOptions options;
  // The log of changes is copied as it is: flushing would make a small file
  // for every backup, to be rewritten by compactions.
  options.flush_before_backup = false;
  rocksdb::BackupID id = 0;
  const rocksdb::Status status = engine_->CreateNewBackupWithMetadata(
      options, db, EncodeBackupNote(acknowledged), &id);
  if (status.IsIncomplete()) {
    return absl::CancelledError("The backup was stopped; none was added.");
  }
  RETURN_IF_ERROR(FromRocks(status, absl::StrCat("Backing up into ", path_)));
  rocksdb::BackupInfo info;
  RETURN_IF_ERROR(FromRocks(engine_->GetBackupInfo(id, &info),
                            absl::StrCat("Reading the new backup ", id)));
  return ToInfo(info);
}

void BackupFolder::Stop() { engine_->StopBackup(); }

std::vector<BackupInfo> BackupFolder::List() const { return ListOf(*engine_); }

absl::Status BackupFolder::KeepNewest(uint32_t count) {
  return FromRocks(engine_->PurgeOldBackups(count),
                   absl::StrCat("Removing old backups from ", path_));
}

absl::StatusOr<std::vector<BackupInfo>> ListBackups(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path + kMeta, error)) {
    return absl::NotFoundError(
        absl::StrCat("There is no folder of backups ", path, "."));
  }
  RETURN_IF_ERROR(CheckBackupLists(path));
  rocksdb::BackupEngineReadOnly* engine = nullptr;
  RETURN_IF_ERROR(
      FromRocks(rocksdb::BackupEngineReadOnly::Open(
                    EngineOptions(path), rocksdb::Env::Default(), &engine),
                absl::StrCat("Opening the folder of backups ", path)));
  return ListOf(*std::unique_ptr<rocksdb::BackupEngineReadOnly>(engine));
}

}  // namespace oxbow
