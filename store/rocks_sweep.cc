#include "store/rocks_sweep.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/status_macros.h"
#include "store/encode_records.h"
#include "store/keys.h"
#include "store/request_retention.h"
#include "store/rocks_view.h"

namespace oxbow {
namespace {

// Less than this is not worth rewriting its neighbours.
constexpr uint64_t kWorthBytes = 1 << 20;

uint64_t BytesOf(RocksDb& db, Family family, const KeyRange& keys) {
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = true;
  const rocksdb::Range range(keys.begin, keys.end);
  uint64_t bytes = 0;
  db.raw()
      .GetApproximateSizes(options, db.handle(family), &range, 1, &bytes)
      .PermitUncheckedError();  // Then it counts as small.
  return bytes;
}

// Bytes of a uid's states. They are in files of their own, which BytesOf does
// not see.
uint64_t StateBytesOf(RocksDb& db, StreamUid uid) {
  uint64_t bytes = 0;
  RocksRange checkpoints = db.Range(Family::kCheckpoint, AllOf(uid));
  for (checkpoints.First(); checkpoints.Valid(); checkpoints.Next()) {
    const absl::StatusOr<StoredCheckpoint> stored =
        DecodeCheckpoint(checkpoints.key(), checkpoints.value());
    if (stored.ok()) bytes += stored->state_bytes;
  }
  return bytes;
}

}  // namespace

absl::StatusOr<StreamSurvey> SurveyStreams(RocksDb& db, absl::Time now) {
  StreamSurvey survey;
  RocksRange streams = db.Range(Family::kMeta, AllStreams());
  for (streams.First(); streams.Valid(); streams.Next()) {
    ASSIGN_OR_RETURN(const StreamRecord stream,
                     DecodeStream(streams.key(), streams.value()));
    if (stream.expires <= now) {
      survey.expired.push_back(stream.uid);
      continue;
    }
    survey.reachable.insert(stream.uid);
    for (const Segment& segment : stream.ancestry) {
      survey.reachable.insert(segment.uid);
    }
  }
  RETURN_IF_ERROR(streams.status());
  return survey;
}

absl::StatusOr<std::vector<StreamUid>> UnownedBut(
    RocksDb& db, const std::set<StreamUid>& reachable) {
  std::vector<StreamUid> uids;
  RocksRange unowned = db.Range(Family::kMeta, AllUnowned());
  for (unowned.First(); unowned.Valid(); unowned.Next()) {
    ASSIGN_OR_RETURN(const StreamUid uid, UidOfMetaKey(unowned.key()));
    if (reachable.count(uid) == 0) uids.push_back(uid);
  }
  RETURN_IF_ERROR(unowned.status());
  return uids;
}

absl::StatusOr<SweepPlan> PlanSweep(RocksDb& db, absl::Time now) {
  ASSIGN_OR_RETURN(const StreamSurvey survey, SurveyStreams(db, now));
  ASSIGN_OR_RETURN(std::vector<StreamUid> uids,
                   UnownedBut(db, survey.reachable));
  SweepPlan plan;
  for (StreamUid uid : survey.expired) {
    ASSIGN_OR_RETURN(const absl::optional<StreamRecord> stream,
                     ReadStream(db, uid));
    if (!stream) continue;
    plan.expired.push_back(stream->name);
    if (survey.reachable.count(uid) == 0) uids.push_back(uid);
  }
  for (StreamUid uid : uids) {
    plan.bytes += BytesOf(db, Family::kLog, AllOf(uid)) +
                  BytesOf(db, Family::kEmbedding, AllOf(uid)) +
                  StateBytesOf(db, uid);
  }
  plan.uids = std::move(uids);
  return plan;
}

absl::StatusOr<std::vector<std::string>> RequestKeysToDrop(RocksDb& db,
                                                           absl::Time now) {
  std::map<StreamUid, std::vector<TimedRequest>> by_uid;
  RocksRange requests = db.Range(Family::kMeta, AllRequests());
  for (requests.First(); requests.Valid(); requests.Next()) {
    ASSIGN_OR_RETURN(const StreamUid uid, UidOfRequestKey(requests.key()));
    const auto made = DecodeMade(requests.key(), requests.value());
    // A damaged one stays for verify to tell of.
    if (!made.ok() || !made->has_value()) continue;
    by_uid[uid].push_back(
        {std::string(requests.key()), **made, requests.value().size()});
  }
  RETURN_IF_ERROR(requests.status());
  std::vector<std::string> keys;
  for (auto& of_uid : by_uid) {
    for (std::string& key :
         RequestsToDrop(std::move(of_uid.second), now, RequestRetention())) {
      keys.push_back(std::move(key));
    }
  }
  return keys;
}

std::vector<LargeRange> LargeRangesOf(RocksDb& db,
                                      const std::vector<StreamUid>& uids) {
  std::vector<LargeRange> ranges;
  std::vector<StreamUid> with_states;
  uint64_t state_bytes = 0;
  for (StreamUid uid : uids) {
    for (Family family : {Family::kLog, Family::kEmbedding}) {
      if (BytesOf(db, family, AllOf(uid)) < kWorthBytes) continue;
      ranges.push_back({family, AllOf(uid)});
    }
    const uint64_t bytes = StateBytesOf(db, uid);
    if (bytes > 0) with_states.push_back(uid);
    state_bytes += bytes;
  }
  if (state_bytes < kWorthBytes) return ranges;
  // The files of this family hold a few bytes for each state, whose own file
  // goes once none of its states is left.
  const auto ends = std::minmax_element(with_states.begin(), with_states.end());
  ranges.push_back(
      {Family::kState, {AllOf(*ends.first).begin, AllOf(*ends.second).end}});
  return ranges;
}

void GiveSpaceBack(RocksDb& db, const std::vector<LargeRange>& ranges) {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  for (const LargeRange& range : ranges) {
    const rocksdb::Slice begin(range.keys.begin);
    const rocksdb::Slice end(range.keys.end);
    db.raw()
        .CompactRange(options, db.handle(range.family), &begin, &end)
        .PermitUncheckedError();
  }
}

}  // namespace oxbow
