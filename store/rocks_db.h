// RocksDB with our families, our statuses, and ranges that own their bounds.
#ifndef OXBOW_STORE_ROCKS_DB_H_
#define OXBOW_STORE_ROCKS_DB_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"
#include "store/keys.h"
#include "store/rocks_options.h"

namespace oxbow {

// The keys of one range of one family, as they were when it was made.
// Thread-compatible. Borrows the database.
class RocksRange {
 public:
  RocksRange(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family,
             KeyRange range, const rocksdb::Snapshot* snapshot);
  RocksRange(const RocksRange&) = delete;
  RocksRange& operator=(const RocksRange&) = delete;

  void First() { iterator_->SeekToFirst(); }
  void Last() { iterator_->SeekToLast(); }
  // To the first key at or after `key`.
  void AtOrAfter(absl::string_view key);
  // To the last key at or before `key`.
  void AtOrBefore(absl::string_view key);
  void Next() { iterator_->Next(); }
  void Previous() { iterator_->Prev(); }

  // False past either end, and after an error, which status() tells.
  bool Valid() const { return iterator_->Valid(); }
  absl::Status status() const;
  absl::string_view key() const;
  absl::string_view value() const;

 private:
  const KeyRange range_;
  const rocksdb::Slice begin_;
  const rocksdb::Slice end_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

// What is read under it is of one moment. Borrows the database.
class RocksSnapshot {
 public:
  explicit RocksSnapshot(rocksdb::DB* db)
      : db_(db), snapshot_(db->GetSnapshot()) {}
  ~RocksSnapshot() { db_->ReleaseSnapshot(snapshot_); }
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;

  const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  rocksdb::DB* const db_;
  const rocksdb::Snapshot* const snapshot_;
};

// An open database. Thread-safe. Closes when it goes.
class RocksDb {
 public:
  // `env` is what the database was opened with; nullptr: the machine's own.
  // `handles` are kFamilyNames', in that order.
  RocksDb(std::unique_ptr<rocksdb::Env> env, std::unique_ptr<rocksdb::DB> db,
          std::vector<rocksdb::ColumnFamilyHandle*> handles);
  ~RocksDb();

  // nullopt: there is no such key. DataLoss: it cannot be read.
  absl::StatusOr<absl::optional<std::string>> Get(
      Family family, absl::string_view key,
      const RocksSnapshot* snapshot = nullptr);
  RocksRange Range(Family family, KeyRange range,
                   const RocksSnapshot* snapshot = nullptr);
  RocksSnapshot Snapshot() { return RocksSnapshot(db_.get()); }

  rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<int>(family)];
  }
  rocksdb::DB& raw() { return *db_; }

 private:
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

// A slice of the same bytes.
rocksdb::Slice ToSlice(absl::string_view bytes);

}  // namespace oxbow

#endif  // OXBOW_STORE_ROCKS_DB_H_
