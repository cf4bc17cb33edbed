#include "store/rocks_db.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "store/rocks_status.h"

namespace oxbow {
namespace {

absl::string_view ToView(const rocksdb::Slice& slice) {
  return absl::string_view(slice.data(), slice.size());
}

}  // namespace

rocksdb::Slice ToSlice(absl::string_view bytes) {
  return rocksdb::Slice(bytes.data(), bytes.size());
}

RocksRange::RocksRange(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family,
                       KeyRange range, const rocksdb::Snapshot* snapshot)
    : range_(std::move(range)), begin_(range_.begin), end_(range_.end) {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.snapshot = snapshot;
  options.iterate_lower_bound = &begin_;
  options.iterate_upper_bound = &end_;
  iterator_.reset(db->NewIterator(options, family));
}

void RocksRange::AtOrAfter(absl::string_view key) {
  iterator_->Seek(ToSlice(key));
}

void RocksRange::AtOrBefore(absl::string_view key) {
  iterator_->SeekForPrev(ToSlice(key));
}

absl::Status RocksRange::status() const {
  return FromRocks(iterator_->status(), "Reading the store");
}

absl::string_view RocksRange::key() const { return ToView(iterator_->key()); }

absl::string_view RocksRange::value() const {
  return ToView(iterator_->value());
}

RocksDb::RocksDb(std::unique_ptr<rocksdb::Env> env,
                 std::unique_ptr<rocksdb::DB> db,
                 std::vector<rocksdb::ColumnFamilyHandle*> handles)
    : env_(std::move(env)), db_(std::move(db)), handles_(std::move(handles)) {}

RocksDb::~RocksDb() {
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  db_->Close().PermitUncheckedError();
}

absl::StatusOr<absl::optional<std::string>> RocksDb::Get(
    Family family, absl::string_view key, const RocksSnapshot* snapshot) {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  if (snapshot != nullptr) options.snapshot = snapshot->get();
  std::string value;
  const rocksdb::Status status =
      db_->Get(options, handle(family), ToSlice(key), &value);
  if (status.IsNotFound()) return absl::optional<std::string>();
  if (!status.ok()) return FromRocks(status, "Reading the store");
  return absl::make_optional(std::move(value));
}

RocksRange RocksDb::Range(Family family, KeyRange range,
                          const RocksSnapshot* snapshot) {
  return RocksRange(db_.get(), handle(family), std::move(range),
                    snapshot == nullptr ? nullptr : snapshot->get());
}

}  // namespace oxbow
