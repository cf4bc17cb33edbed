// Whether the log of changes is whole, as it is replayed.
#ifndef OXBOW_STORE_CHANGE_GAPS_H_
#define OXBOW_STORE_CHANGE_GAPS_H_

#include <cstdint>
#include <string>

#include "rocksdb/wal_filter.h"

namespace oxbow {

// Holds each batch's number against the one before, over all files that are
// replayed: a file that a disk gives back as zeros is an empty one to RocksDB,
// however much follows it. One number may be missing at a time: that of the key
// that RocksWriter writes without a log.
//
// Given to one DB::Open, during which alone it is used.
class ChangeGaps : public rocksdb::WalFilter {
 public:
  const char* Name() const override { return "ChangeGaps"; }
  WalProcessingOption LogRecordFound(unsigned long long log_number,
                                     const std::string& log_file_name,
                                     const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* new_batch,
                                     bool* batch_changed) override;

  // Half a sentence; empty: none was found.
  const std::string& found() const { return found_; }

 private:
  uint64_t next_ = 0;  // 0: any
  std::string found_;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_CHANGE_GAPS_H_
