#include "store/rocks_writer.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "store/rocks_status.h"

namespace oxbow {
namespace {

constexpr char kResumeKey[] = "resume";

// What RocksDB keeps of a family in memory, or of it waits to be flushed.
bool IsInMemory(RocksDb& db, Family family) {
  for (const char* property : {"rocksdb.num-entries-active-mem-table",
                               "rocksdb.num-immutable-mem-table"}) {
    uint64_t count = 0;
    db.raw().GetIntProperty(db.handle(family), property, &count);
    if (count > 0) return true;
  }
  return false;
}

bool IsAnythingInMemory(RocksDb& db) {
  for (int i = 0; i < kFamilies; ++i) {
    if (IsInMemory(db, static_cast<Family>(i))) return true;
  }
  return false;
}

}  // namespace

absl::Status RocksWriter::Remember(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  // RocksDB does not go on without a new log that it could not make.
  full_ = IsDiskFull(status) &&
          status.severity() < rocksdb::Status::Severity::kFatalError;
  if (full_) return FromRocks(status, "Writing to the store");
  failed_ = absl::DataLossError(
      absl::StrCat("Writing to the store failed (", status.ToString(),
                   "); no write is taken until it is opened anew."));
  return failed_;
}

// RocksDB 7.8 can leave a failed log of changes only together with a memtable
// that has something in it; with none it says that all is well, and stops the
// process at the next write. So one key, which means nothing, is always there.
// It needs no log: who restarts needs no way out.
rocksdb::Status RocksWriter::PrepareToResume() {
  uint64_t entries = 0;
  db_->raw().GetIntProperty(db_->handle(Family::kDefault),
                            "rocksdb.num-entries-active-mem-table", &entries);
  if (entries > 0) return rocksdb::Status::OK();
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return db_->raw().Put(options, db_->handle(Family::kDefault), kResumeKey, "");
}

// Writes out what memory holds and begins a new log of changes, so that
// nothing follows the torn record the full disk left.
absl::Status RocksWriter::Resume() {
  if (!IsAnythingInMemory(*db_)) {
    return Remember(rocksdb::Status::IOError("no way back from a full disk"));
  }
  const rocksdb::Status status = db_->raw().Resume();
  if (status.ok()) full_ = false;
  return Remember(status);
}

absl::Status RocksWriter::Commit(RocksBatch* batch, bool sync) {
  if (!failed_.ok()) return failed_;
  if (full_) RETURN_IF_ERROR(Resume());
  RETURN_IF_ERROR(Remember(PrepareToResume()));
  RETURN_IF_ERROR(
      Remember(db_->raw().Write(MakeWriteOptions(sync), batch->raw())));
  // A sync covers all that was written before; and nothing is written beside
  // it, since calls do not overlap.
  if (sync) mark_->Raise(db_->raw().GetLatestSequenceNumber());
  return absl::OkStatus();
}

}  // namespace oxbow
