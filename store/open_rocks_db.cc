#include "store/open_rocks_db.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "rocksdb/env.h"
#include "store/change_gaps.h"
#include "store/check_log_files.h"
#include "store/info_log.h"
#include "store/keys.h"
#include "store/rocks_options.h"
#include "store/rocks_status.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;

// What a store's folder holds, besides `lock`.
constexpr char kData[] = "/rocksdb";
constexpr char kUnfinished[] = "/rocksdb.new";
constexpr char kMark[] = "/durable";
constexpr char kLock[] = "/lock";

std::string Opening(const RocksStoreOptions& options) {
  return absl::StrCat("Opening the store ", options.path);
}

absl::Status FromError(const std::error_code& error, absl::string_view doing) {
  return absl::ErrnoToStatus(error.value(), doing);
}

// Opens `families` of the folder `data`.
absl::StatusOr<std::unique_ptr<RocksDb>> Open(
    const RocksStoreOptions& options, const std::string& data, bool create,
    bool write, std::vector<rocksdb::ColumnFamilyDescriptor> families) {
  std::unique_ptr<rocksdb::Env> env;
  if (options.file_system != nullptr) {
    env = rocksdb::NewCompositeEnv(options.file_system);
  }
  rocksdb::DBOptions db_options = MakeDbOptions(options, env.get());
  // Who only looks changes nothing, a log for people neither.
  db_options.info_log =
      std::make_shared<InfoLog>(write ? data + "/LOG" : std::string());
  ChangeGaps gaps;
  db_options.wal_filter = &gaps;
  db_options.create_if_missing = create;
  db_options.create_missing_column_families = create;
  RETURN_IF_ERROR(CheckLogFiles(data));
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const rocksdb::Status status =
      write ? rocksdb::DB::Open(db_options, data, families, &handles, &db)
            : rocksdb::DB::OpenForReadOnly(db_options, data, families, &handles,
                                           &db);
  if (!gaps.found().empty()) {
    delete db;
    return absl::DataLossError(
        absl::StrCat(Opening(options), ": ", gaps.found(), "."));
  }
  if (!status.ok()) return FromRocks(status, Opening(options));
  return std::make_unique<RocksDb>(
      std::move(env), std::unique_ptr<rocksdb::DB>(db), std::move(handles));
}

// Refuses a format this release does not know, without changing anything.
absl::Status CheckFormat(const RocksStoreOptions& options) {
  std::vector<rocksdb::ColumnFamilyDescriptor> families = MakeFamilies(options);
  families.resize(static_cast<int>(Family::kMeta) + 1);
  ASSIGN_OR_RETURN(std::unique_ptr<RocksDb> db,
                   Open(options, options.path + kData, /*create=*/false,
                        /*write=*/false, std::move(families)));
  ASSIGN_OR_RETURN(absl::optional<std::string> format,
                   db->Get(Family::kMeta, FormatKey()));
  int number = 0;
  if (!format || !absl::SimpleAtoi(*format, &number) || number < 1) {
    return absl::DataLossError(absl::StrCat(
        Opening(options), ": its format number is missing or damaged."));
  }
  if (number > kStoreFormat) {
    return absl::FailedPreconditionError(
        absl::StrCat(Opening(options), ": it has format ", number,
                     "; this release reads formats up to ", kStoreFormat,
                     ". Nothing was changed."));
  }
  return absl::OkStatus();
}

// A folder that holds something else is not made a store.
absl::Status CheckEmpty(const RocksStoreOptions& options) {
  std::error_code error;
  fs::directory_iterator entries(options.path, error);
  if (error) return FromError(error, Opening(options));
  for (const fs::directory_entry& entry : entries) {
    const std::string name = entry.path().filename();
    // What an unfinished first start leaves, and every new ext4 disk has.
    if (name == "lock" || name == "lost+found" ||
        absl::StrCat("/", name) == kUnfinished) {
      continue;
    }
    return absl::FailedPreconditionError(
        absl::StrCat(Opening(options), ": the folder holds ", name,
                     " and is no store. A new store needs a folder of its "
                     "own."));
  }
  return absl::OkStatus();
}

// Makes an empty store: whole under another name first, so that a crash
// leaves either none or all of it.
absl::Status Make(const RocksStoreOptions& options) {
  const std::string unfinished = options.path + kUnfinished;
  std::error_code error;
  fs::remove_all(unfinished, error);
  if (error) return FromError(error, absl::StrCat("Removing ", unfinished));
  {
    ASSIGN_OR_RETURN(std::unique_ptr<RocksDb> db,
                     Open(options, unfinished, /*create=*/true,
                          /*write=*/true, MakeFamilies(options)));
    const rocksdb::Status written = db->raw().Put(
        MakeWriteOptions(/*sync=*/true), db->handle(Family::kMeta), FormatKey(),
        std::to_string(kStoreFormat));
    if (!written.ok()) return FromRocks(written, Opening(options));
  }
  fs::rename(unfinished, options.path + kData, error);
  if (error) return FromError(error, absl::StrCat("Renaming ", unfinished));
  return SyncFolder(options.path);
}

absl::Status CheckMark(const RocksStoreOptions& options, OpenRocks& opened) {
  const uint64_t newest = opened.db->raw().GetLatestSequenceNumber();
  if (newest >= opened.mark->change()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(Opening(options), ": it ends at change ", newest,
                   ", but change ", opened.mark->change(),
                   " was acknowledged: writes are missing. Removing the file ",
                   options.path, kMark, " opens it without them."));
}

}  // namespace

absl::StatusOr<OpenRocks> OpenRocksDb(const RocksStoreOptions& options) {
  std::error_code error;
  const bool exists = fs::exists(options.path + kData, error);
  if (error) return FromError(error, Opening(options));
  if (!exists) {
    if (!options.create_if_missing) {
      return absl::NotFoundError(
          absl::StrCat("There is no store in ", options.path, "."));
    }
    fs::create_directories(options.path, error);
    if (error) return FromError(error, Opening(options));
    RETURN_IF_ERROR(CheckEmpty(options));
  }
  // Taking the lock makes its file. A store without one is nobody's, and one of
  // a later format is left as it is.
  if (exists && !fs::exists(options.path + kLock, error)) {
    RETURN_IF_ERROR(CheckFormat(options));
  }
  OpenRocks opened;
  ASSIGN_OR_RETURN(opened.lock, FolderLock::Take(options.path));
  // Another process may have made it in the meantime.
  if (!fs::exists(options.path + kData, error)) RETURN_IF_ERROR(Make(options));
  RETURN_IF_ERROR(CheckFormat(options));
  ASSIGN_OR_RETURN(opened.mark, DurableMark::Open(options.path + kMark));
  ASSIGN_OR_RETURN(opened.db,
                   Open(options, options.path + kData, /*create=*/false,
                        /*write=*/true, MakeFamilies(options)));
  RETURN_IF_ERROR(CheckMark(options, opened));
  return opened;
}

absl::StatusOr<std::unique_ptr<RocksDb>> OpenRocksDbToRead(
    const RocksStoreOptions& options) {
  std::error_code error;
  if (!fs::exists(options.path + kData, error)) {
    return absl::NotFoundError(
        absl::StrCat("There is no store in ", options.path, "."));
  }
  RETURN_IF_ERROR(CheckFormat(options));
  return Open(options, options.path + kData, /*create=*/false,
              /*write=*/false, MakeFamilies(options));
}

absl::Status SyncFolder(const std::string& path) {
  const int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 || fsync(folder) != 0) {
    const int error = errno;
    if (folder >= 0) close(folder);
    return absl::ErrnoToStatus(error, absl::StrCat("Syncing ", path));
  }
  close(folder);
  return absl::OkStatus();
}

absl::StatusOr<std::string> MakeStoreFolder(const std::string& path,
                                            uint64_t acknowledged) {
  std::error_code error;
  fs::create_directories(path + kData, error);
  if (error) return FromError(error, absl::StrCat("Making ", path));
  ASSIGN_OR_RETURN(const std::unique_ptr<DurableMark> mark,
                   DurableMark::Open(path + kMark));
  mark->Raise(acknowledged);
  return path + kData;
}

std::vector<std::string> StoreFiles() { return {kMark, kData}; }

uint64_t AcknowledgedChange(const RocksStoreOptions& options) {
  return DurableMark::Peek(options.path + kMark);
}

}  // namespace oxbow
