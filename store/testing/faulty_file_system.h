// A disk that fails, fills up and loses power as a test tells it.
#ifndef OXBOW_STORE_TESTING_FAULTY_FILE_SYSTEM_H_
#define OXBOW_STORE_TESTING_FAULTY_FILE_SYSTEM_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "rocksdb/file_system.h"

namespace oxbow {

// The machine's file system but for the faults, and for syncs, which only count
// what would be lost: real ones would take most of a test's time. Thread-safe.
class FaultyFileSystem : public rocksdb::FileSystemWrapper {
 public:
  // A sync of a folder makes its names sure.
  enum class Call {
    kOpen,  // to read
    kCreate,
    kAppend,
    kRangeSync,
    kSync,
    kTruncate,
    kClose,
    kRename,
    kLink,
    kDelete
  };
  // One kind of call on one kind of file: "log", "sst", "MANIFEST", "folder",
  // "backup sst", ... A renamed file is of the kind it becomes.
  using Site = std::pair<std::string, Call>;
  static std::string NameOf(const Site& site);  // "sst append"

  FaultyFileSystem();
  const char* Name() const override { return "FaultyFileSystem"; }

  // From the `after`th such call (0: the next) on files whose names end so,
  // until Mend(), every one returns `status`. Half of what a failing append
  // was given is written all the same, as by a disk that fills up.
  void Fail(absl::string_view name_end, Call call, rocksdb::IOStatus status,
            int after = 0);
  // The `after`th call there (0: the next) returns `status`, once.
  void FailOnce(const Site& site, rocksdb::IOStatus status, int after);
  // Whether it did.
  bool has_failed_once() const;
  void Mend();

  // Calls so far.
  std::map<Site, int> calls() const;

  // From the `after`th write, sync or change of a folder on, nothing reaches
  // the disk any more.
  void CutPower(int after);
  // What a disk may hold after the cut, at worst: files end where they were
  // last synced, or before a sync that failed, whatever later ones said; files
  // and names that no sync of their folder made sure are gone. Call once no
  // store uses the file system. Power is back.
  void LoseUnsynced();

  rocksdb::IOStatus NewSequentialFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSSequentialFile>* file,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* file,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* file,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name,
                                 const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* folder,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& name, size_t size,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

  // For the files and folders it makes: whether the call goes through, and
  // what came of it.
  rocksdb::IOStatus Before(const std::string& name, Call call);
  void Synced(const std::string& name, uint64_t size);
  void SyncFailed(const std::string& name);
  void FolderSynced(const std::string& name);

 private:
  struct Fault {
    std::string name_end;
    Call call;
    rocksdb::IOStatus status;
    int after;
  };
  struct OneFault {
    Site site;
    rocksdb::IOStatus status;
    int after;
  };
  // A rename no folder sync made sure.
  struct Rename {
    std::string from;
    std::string to;
    bool replaced;         // there was a file `to`,
    std::string contents;  // and this was in it
  };

  rocksdb::IOStatus Spend() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  rocksdb::IOStatus Check(const std::string& name, Call call)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::vector<Fault> faults_ ABSL_GUARDED_BY(mu_);
  absl::optional<OneFault> one_fault_ ABSL_GUARDED_BY(mu_);
  bool has_failed_once_ ABSL_GUARDED_BY(mu_) = false;
  std::map<Site, int> calls_ ABSL_GUARDED_BY(mu_);
  bool cutting_ ABSL_GUARDED_BY(mu_) = false;
  int until_cut_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, uint64_t> synced_bytes_ ABSL_GUARDED_BY(mu_);
  // Files a sync of which failed: later ones make nothing sure.
  std::set<std::string> sync_failed_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> created_ ABSL_GUARDED_BY(mu_);
  std::vector<Rename> renamed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace oxbow

#endif  // OXBOW_STORE_TESTING_FAULTY_FILE_SYSTEM_H_
