#include "store/testing/faulty_file_system.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using Call = FaultyFileSystem::Call;

class FaultyFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(FaultyFileSystem* disk, std::string name,
             std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)),
        disk_(disk),
        name_(std::move(name)) {}

  IOStatus Append(const Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    const IOStatus status = disk_->Before(name_, Call::kAppend);
    if (status.ok()) {
      return FSWritableFileOwnerWrapper::Append(data, options, debug);
    }
    FSWritableFileOwnerWrapper::Append(Slice(data.data(), data.size() / 2),
                                       options, debug)
        .PermitUncheckedError();
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus status = disk_->Before(name_, Call::kSync);
    if (!status.ok()) {
      disk_->SyncFailed(name_);
      return status;
    }
    disk_->Synced(name_, GetFileSize(options, debug));
    return Flush(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  IOStatus RangeSync(uint64_t offset, uint64_t bytes, const IOOptions& options,
                     IODebugContext* debug) override {
    const IOStatus status = disk_->Before(name_, Call::kRangeSync);
    if (!status.ok()) {
      disk_->SyncFailed(name_);
      return status;
    }
    return IOStatus::OK();
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options,
                    IODebugContext* debug) override {
    const IOStatus status = disk_->Before(name_, Call::kTruncate);
    if (!status.ok()) return status;
    return FSWritableFileOwnerWrapper::Truncate(size, options, debug);
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus status = disk_->Before(name_, Call::kClose);
    const IOStatus closed = FSWritableFileOwnerWrapper::Close(options, debug);
    return status.ok() ? closed : status;
  }

 private:
  FaultyFileSystem* const disk_;
  const std::string name_;
};

class FaultyFolder : public rocksdb::FSDirectoryWrapper {
 public:
  FaultyFolder(FaultyFileSystem* disk, std::string name,
               std::unique_ptr<rocksdb::FSDirectory> folder)
      : FSDirectoryWrapper(std::move(folder)),
        disk_(disk),
        name_(std::move(name)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus status = disk_->Before(name_, Call::kSync);
    if (!status.ok()) return status;
    disk_->FolderSynced(name_);
    return IOStatus::OK();
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  FaultyFileSystem* const disk_;
  const std::string name_;
};

std::string FolderOf(const std::string& name) {
  return fs::path(name).lexically_normal().parent_path();
}

std::string KindOf(const std::string& name) {
  const fs::path path(name);
  std::string kind = path.filename();
  if (absl::StartsWith(kind, "MANIFEST") || absl::StartsWith(kind, "OPTIONS")) {
    kind = kind.substr(0, kind.find('-'));
  } else if (absl::StartsWith(kind, "LOG")) {
    kind = "LOG";  // for people
  } else if (path.extension() == ".dbtmp") {
    kind = "CURRENT";
  } else if (path.has_extension() && path.extension() != ".tmp") {
    kind = path.extension().string().substr(1);
  }
  if (absl::StrContains(name, "/meta/")) return "backup meta";
  const bool of_backup = absl::StrContains(name, "/private/") ||
                         absl::StrContains(name, "/shared_checksum/");
  if (!of_backup) return kind;
  if (path.extension() == ".tmp") return "backup " + KindOf(path.stem());
  return "backup " + kind;
}

// What is lost when the power is cut: not what is read or already handed over.
bool Spends(Call call) {
  return call == Call::kCreate || call == Call::kAppend ||
         call == Call::kSync || call == Call::kRename || call == Call::kLink ||
         call == Call::kDelete;
}

std::string ContentsOf(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  std::ostringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

}  // namespace

FaultyFileSystem::FaultyFileSystem()
    : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

void FaultyFileSystem::Fail(absl::string_view name_end, Call call,
                            IOStatus status, int after) {
  absl::MutexLock lock(&mu_);
  faults_.push_back({std::string(name_end), call, std::move(status), after});
}

void FaultyFileSystem::FailOnce(const Site& site, IOStatus status, int after) {
  absl::MutexLock lock(&mu_);
  one_fault_ = OneFault{site, std::move(status), after};
  has_failed_once_ = false;
}

bool FaultyFileSystem::has_failed_once() const {
  absl::MutexLock lock(&mu_);
  return has_failed_once_;
}

void FaultyFileSystem::Mend() {
  absl::MutexLock lock(&mu_);
  faults_.clear();
  one_fault_.reset();
}

std::map<FaultyFileSystem::Site, int> FaultyFileSystem::calls() const {
  absl::MutexLock lock(&mu_);
  return calls_;
}

std::string FaultyFileSystem::NameOf(const Site& site) {
  static constexpr const char* kCalls[] = {
      "open",     "create", "append", "range sync", "sync",
      "truncate", "close",  "rename", "link",       "delete"};
  return site.first + " " + kCalls[static_cast<int>(site.second)];
}

void FaultyFileSystem::CutPower(int after) {
  absl::MutexLock lock(&mu_);
  cutting_ = true;
  until_cut_ = after;
}

IOStatus FaultyFileSystem::Spend() {
  if (!cutting_) return IOStatus::OK();
  if (until_cut_ == 0) return IOStatus::IOError("no power");
  --until_cut_;
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::Check(const std::string& name, Call call) {
  std::error_code error;
  const bool folder = call == Call::kSync && fs::is_directory(name, error);
  const Site site(folder ? "folder" : KindOf(name), call);
  ++calls_[site];
  if (one_fault_ && one_fault_->site == site && one_fault_->after-- == 0) {
    const IOStatus status = one_fault_->status;
    one_fault_.reset();
    has_failed_once_ = true;
    return status;
  }
  for (Fault& fault : faults_) {
    if (fault.call != call || !absl::EndsWith(name, fault.name_end)) continue;
    if (fault.after == 0) return fault.status;
    --fault.after;
  }
  return Spends(call) ? Spend() : IOStatus::OK();
}

IOStatus FaultyFileSystem::Before(const std::string& name, Call call) {
  absl::MutexLock lock(&mu_);
  return Check(name, call);
}

void FaultyFileSystem::Synced(const std::string& name, uint64_t size) {
  absl::MutexLock lock(&mu_);
  if (sync_failed_.count(name) == 0) synced_bytes_[name] = size;
}

void FaultyFileSystem::SyncFailed(const std::string& name) {
  absl::MutexLock lock(&mu_);
  sync_failed_.insert(name);
}

void FaultyFileSystem::FolderSynced(const std::string& name) {
  absl::MutexLock lock(&mu_);
  const std::string folder = FolderOf(name + "/file");
  const auto is_sure = [&folder](const std::string& file) {
    return FolderOf(file) == folder;
  };
  created_.erase(std::remove_if(created_.begin(), created_.end(), is_sure),
                 created_.end());
  renamed_.erase(std::remove_if(renamed_.begin(), renamed_.end(),
                                [&is_sure](const Rename& rename) {
                                  return is_sure(rename.to);
                                }),
                 renamed_.end());
}

void FaultyFileSystem::LoseUnsynced() {
  absl::MutexLock lock(&mu_);
  for (auto it = renamed_.rbegin(); it != renamed_.rend(); ++it) {
    fs::rename(it->to, it->from);
    synced_bytes_[it->from] = synced_bytes_[it->to];
    if (it->replaced) {
      std::ofstream(it->to, std::ios::binary) << it->contents;
      synced_bytes_[it->to] = it->contents.size();
    }
  }
  for (const std::string& name : created_) fs::remove(name);
  for (const auto& file : synced_bytes_) {
    if (fs::exists(file.first) && fs::file_size(file.first) > file.second) {
      fs::resize_file(file.first, file.second);
    }
  }
  created_.clear();
  renamed_.clear();
  synced_bytes_.clear();
  sync_failed_.clear();
  cutting_ = false;
}

IOStatus FaultyFileSystem::NewSequentialFile(
    const std::string& name, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSSequentialFile>* file, IODebugContext* debug) {
  const IOStatus status = Before(name, Call::kOpen);
  if (!status.ok()) return status;
  return FileSystemWrapper::NewSequentialFile(name, options, file, debug);
}

IOStatus FaultyFileSystem::NewRandomAccessFile(
    const std::string& name, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* file, IODebugContext* debug) {
  const IOStatus status = Before(name, Call::kOpen);
  if (!status.ok()) return status;
  return FileSystemWrapper::NewRandomAccessFile(name, options, file, debug);
}

IOStatus FaultyFileSystem::NewWritableFile(
    const std::string& name, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  {
    absl::MutexLock lock(&mu_);
    const IOStatus status = Check(name, Call::kCreate);
    if (!status.ok()) return status;
    created_.push_back(name);
    synced_bytes_[name] = 0;
    sync_failed_.erase(name);
  }
  const IOStatus status =
      FileSystemWrapper::NewWritableFile(name, options, file, debug);
  if (status.ok()) {
    *file = std::make_unique<FaultyFile>(this, name, std::move(*file));
  }
  return status;
}

IOStatus FaultyFileSystem::ReopenWritableFile(
    const std::string& name, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  const IOStatus status =
      FileSystemWrapper::ReopenWritableFile(name, options, file, debug);
  if (status.ok()) {
    *file = std::make_unique<FaultyFile>(this, name, std::move(*file));
  }
  return status;
}

IOStatus FaultyFileSystem::NewDirectory(
    const std::string& name, const IOOptions& options,
    std::unique_ptr<rocksdb::FSDirectory>* folder, IODebugContext* debug) {
  const IOStatus status =
      FileSystemWrapper::NewDirectory(name, options, folder, debug);
  if (status.ok()) {
    *folder = std::make_unique<FaultyFolder>(this, name, std::move(*folder));
  }
  return status;
}

IOStatus FaultyFileSystem::RenameFile(const std::string& from,
                                      const std::string& to,
                                      const IOOptions& options,
                                      IODebugContext* debug) {
  absl::MutexLock lock(&mu_);
  const IOStatus status = Check(to, Call::kRename);
  if (!status.ok()) return status;
  renamed_.push_back({from, to, fs::exists(to), ContentsOf(to)});
  synced_bytes_[to] = synced_bytes_[from];
  if (sync_failed_.erase(from) > 0) sync_failed_.insert(to);
  return FileSystemWrapper::RenameFile(from, to, options, debug);
}

IOStatus FaultyFileSystem::LinkFile(const std::string& from,
                                    const std::string& to,
                                    const IOOptions& options,
                                    IODebugContext* debug) {
  {
    absl::MutexLock lock(&mu_);
    const IOStatus status = Check(to, Call::kLink);
    if (!status.ok()) return status;
    created_.push_back(to);
    synced_bytes_[to] = synced_bytes_[from];
  }
  return FileSystemWrapper::LinkFile(from, to, options, debug);
}

IOStatus FaultyFileSystem::Truncate(const std::string& name, size_t size,
                                    const IOOptions& options,
                                    IODebugContext* debug) {
  const IOStatus status = Before(name, Call::kTruncate);
  if (!status.ok()) return status;
  return FileSystemWrapper::Truncate(name, size, options, debug);
}

IOStatus FaultyFileSystem::DeleteFile(const std::string& name,
                                      const IOOptions& options,
                                      IODebugContext* debug) {
  absl::MutexLock lock(&mu_);
  const IOStatus status = Check(name, Call::kDelete);
  if (!status.ok()) return status;
  synced_bytes_.erase(name);
  created_.erase(std::remove(created_.begin(), created_.end(), name),
                 created_.end());
  renamed_.erase(std::remove_if(renamed_.begin(), renamed_.end(),
                                [&name](const Rename& rename) {
                                  return rename.to == name;
                                }),
                 renamed_.end());
  return FileSystemWrapper::DeleteFile(name, options, debug);
}

}  // namespace oxbow
