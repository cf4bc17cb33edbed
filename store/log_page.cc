#include "store/log_page.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace oxbow {

absl::Status CheckFollows(const LogRecord* before, const LogRecord& record) {
  if (before == nullptr && record.sequence != 0) return absl::OkStatus();
  if (before != nullptr && (record.sequence != before->sequence + 1 ||
                            record.begin != before->End())) {
    return absl::DataLossError(absl::StrCat(
        "A log has a gap: after sequence ", before->sequence, " up to byte ",
        before->End().byte_offset, " comes sequence ", record.sequence,
        " from byte ", record.begin.byte_offset, "."));
  }
  const Digest previous = before == nullptr ? Digest{} : before->chain;
  if (record.chain == ChainDigest(previous, record)) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "A log's record ", record.sequence, " at byte ", record.begin.byte_offset,
      " breaks the chain of the log's digests."));
}

absl::Status LogPage::Add(LogRecord record) {
  RETURN_IF_ERROR(
      CheckFollows(records_.empty() ? nullptr : &records_.back(), record));
  // A record counts at least one byte, so that their number is bounded too.
  bytes_ +=
      std::max<size_t>(1, record.text.size() + sizeof(int) * record.ids.size());
  records_.push_back(std::move(record));
  return absl::OkStatus();
}

}  // namespace oxbow
