#include "store/change_gaps.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "rocksdb/write_batch.h"

namespace oxbow {
namespace {

// A batch begins with the number of its first change, eight bytes,
// little-endian.
uint64_t FirstChange(const rocksdb::WriteBatch& batch) {
  uint64_t change = 0;
  const std::string& bytes = batch.Data();
  for (size_t i = std::min<size_t>(8, bytes.size()); i-- > 0;) {
    change = change << 8 | static_cast<uint8_t>(bytes[i]);
  }
  return change;
}

}  // namespace

rocksdb::WalFilter::WalProcessingOption ChangeGaps::LogRecordFound(
    unsigned long long log_number, const std::string&,
    const rocksdb::WriteBatch& batch, rocksdb::WriteBatch*, bool*) {
  const uint64_t first = FirstChange(batch);
  if (next_ != 0 && first > next_ + 1) {
    found_ = absl::StrCat("in its log of changes number ", log_number,
                          " change ", first, " follows change ", next_ - 1,
                          "; those between are lost");
    return WalProcessingOption::kCorruptedRecord;
  }
  next_ = std::max(next_, first + batch.Count());
  return WalProcessingOption::kContinueProcessing;
}

}  // namespace oxbow
