#include "store/rocks_log.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "store/encode_records.h"
#include "store/log_page.h"

namespace oxbow {
namespace {

constexpr uint64_t kNumberMax = std::numeric_limits<uint64_t>::max();

// The sequence of the record a range stands at.
absl::StatusOr<uint64_t> Sequence(const RocksRange& log) {
  return SequenceOfLogKey(log.key());
}

absl::Status Gap(StreamUid uid, uint64_t sequence) {
  return absl::DataLossError(absl::StrCat("The log of uid ", uid,
                                          " lacks its record ", sequence, "."));
}

// Goes to the record `sequence` by halving the byte offsets: the order of
// offsets is the order of sequences.
absl::Status Search(RocksRange& log, StreamUid uid, uint64_t sequence) {
  uint64_t low = 0;
  uint64_t high = kNumberMax;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    log.AtOrAfter(LogKey(uid, middle, kNumberMax));
    RETURN_IF_ERROR(log.status());
    bool begins_by_middle = true;
    if (log.Valid()) {
      ASSIGN_OR_RETURN(const uint64_t next, Sequence(log));
      begins_by_middle = next > sequence;
    }
    begins_by_middle ? high = middle : low = middle + 1;
  }
  log.AtOrAfter(LogKey(uid, low, sequence));
  return log.status();
}

// Goes to the record `sequence`, or past the end if the log ends before it.
absl::Status GoToSequence(RocksRange& log, StreamUid uid, uint64_t expected_at,
                          uint64_t sequence) {
  log.AtOrAfter(LogKey(uid, expected_at, sequence));
  RETURN_IF_ERROR(log.status());
  if (log.Valid()) {
    ASSIGN_OR_RETURN(const uint64_t found, Sequence(log));
    if (found == sequence) return absl::OkStatus();
  }
  log.Last();
  RETURN_IF_ERROR(log.status());
  if (!log.Valid()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const uint64_t last, Sequence(log));
  if (last < sequence) {
    log.Next();
    return log.status();
  }
  RETURN_IF_ERROR(Search(log, uid, sequence));
  if (!log.Valid()) return Gap(uid, sequence);
  ASSIGN_OR_RETURN(const uint64_t found, Sequence(log));
  return found == sequence ? absl::OkStatus() : Gap(uid, sequence);
}

// Goes to the last record that begins before the offset, or the first.
absl::Status GoToOffset(RocksRange& log, StreamUid uid, uint64_t byte_offset) {
  if (byte_offset > 0) {
    log.AtOrBefore(LogKey(uid, byte_offset - 1, kNumberMax));
    RETURN_IF_ERROR(log.status());
    if (log.Valid()) return absl::OkStatus();
  }
  log.First();
  RETURN_IF_ERROR(log.status());
  if (!log.Valid()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const uint64_t first, Sequence(log));
  return first == 0 ? absl::OkStatus() : Gap(uid, 0);
}

absl::StatusOr<LogRecord> Decode(const RocksRange& log) {
  return DecodeLogRecord(log.key(), log.value());
}

}  // namespace

absl::StatusOr<absl::optional<LogRecord>> LastLogRecord(RocksDb& db,
                                                        StreamUid uid) {
  RocksRange log = db.Range(Family::kLog, AllOf(uid));
  log.Last();
  RETURN_IF_ERROR(log.status());
  if (!log.Valid()) return absl::optional<LogRecord>();
  ASSIGN_OR_RETURN(LogRecord record, Decode(log));
  return absl::make_optional(std::move(record));
}

absl::StatusOr<std::vector<LogRecord>> ReadLogPage(
    RocksDb& db, StreamUid uid, uint64_t byte_offset,
    absl::optional<uint64_t> after_sequence, size_t bytes_max) {
  RocksRange log = db.Range(Family::kLog, AllOf(uid));
  RETURN_IF_ERROR(after_sequence
                      ? GoToSequence(log, uid, byte_offset, *after_sequence + 1)
                      : GoToOffset(log, uid, byte_offset));
  LogPage page(bytes_max);
  for (; log.Valid() && !page.full(); log.Next()) {
    ASSIGN_OR_RETURN(LogRecord record, Decode(log));
    RETURN_IF_ERROR(page.Add(std::move(record)));
  }
  RETURN_IF_ERROR(log.status());
  return page.TakeRecords();
}

}  // namespace oxbow
