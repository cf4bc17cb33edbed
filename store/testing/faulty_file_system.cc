#include "store/testing/faulty_file_system.h"

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
    if (!status.ok()) return status;
    disk_->Synced(name_, GetFileSize(options, debug));
    return FSWritableFileOwnerWrapper::Sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
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
    disk_->FolderSynced();
    return FSDirectoryWrapper::Fsync(options, debug);
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  FaultyFileSystem* const disk_;
  const std::string name_;
};

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

void FaultyFileSystem::Mend() {
  absl::MutexLock lock(&mu_);
  faults_.clear();
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

IOStatus FaultyFileSystem::Before(const std::string& name, Call call) {
  absl::MutexLock lock(&mu_);
  for (Fault& fault : faults_) {
    if (fault.call != call || !absl::EndsWith(name, fault.name_end)) continue;
    if (fault.after == 0) return fault.status;
    --fault.after;
  }
  return Spend();
}

void FaultyFileSystem::Synced(const std::string& name, uint64_t size) {
  absl::MutexLock lock(&mu_);
  synced_bytes_[name] = size;
}

void FaultyFileSystem::FolderSynced() {
  absl::MutexLock lock(&mu_);
  created_.clear();
  renamed_.clear();
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
  cutting_ = false;
}

IOStatus FaultyFileSystem::NewWritableFile(
    const std::string& name, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  {
    absl::MutexLock lock(&mu_);
    const IOStatus status = Spend();
    if (!status.ok()) return status;
    created_.push_back(name);
    synced_bytes_[name] = 0;
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
  const IOStatus status = Spend();
  if (!status.ok()) return status;
  renamed_.push_back({from, to, fs::exists(to), ContentsOf(to)});
  synced_bytes_[to] = synced_bytes_[from];
  return FileSystemWrapper::RenameFile(from, to, options, debug);
}

IOStatus FaultyFileSystem::DeleteFile(const std::string& name,
                                      const IOOptions& options,
                                      IODebugContext* debug) {
  absl::MutexLock lock(&mu_);
  const IOStatus status = Spend();
  if (!status.ok()) return status;
  synced_bytes_.erase(name);
  return FileSystemWrapper::DeleteFile(name, options, debug);
}

}  // namespace oxbow
