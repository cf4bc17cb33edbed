#include "store/log_page.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace oxbow {

absl::Status LogPage::Add(LogRecord record) {
  if (!records_.empty()) {
    const LogRecord& before = records_.back();
    if (record.sequence != before.sequence + 1 ||
        record.begin != before.End()) {
      return absl::DataLossError(absl::StrCat(
          "A log has a gap: after sequence ", before.sequence, " up to byte ",
          before.End().byte_offset, " comes sequence ", record.sequence,
          " from byte ", record.begin.byte_offset, "."));
    }
  }
  if (!records_.empty() || record.sequence == 0) {
    const Digest previous = records_.empty() ? Digest{} : records_.back().chain;
    if (record.chain != ChainDigest(previous, record)) {
      return absl::DataLossError(absl::StrCat(
          "A log's record ", record.sequence, " at byte ",
          record.begin.byte_offset, " breaks the chain of the log's digests."));
    }
  }
  // A record counts at least one byte, so that their number is bounded too.
  bytes_ +=
      std::max<size_t>(1, record.text.size() + sizeof(int) * record.ids.size());
  records_.push_back(std::move(record));
  return absl::OkStatus();
}

}  // namespace oxbow
