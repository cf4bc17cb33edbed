#include "store/purge_uid.h"

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "base/status_macros.h"
#include "store/keys.h"
#include "store/rocks_view.h"

namespace oxbow {
namespace {

// The range's last keys, at most *keys_left; nullopt: they cannot be read.
absl::optional<std::vector<std::string>> LastKeys(RocksDb& db, Family family,
                                                  const KeyRange& range,
                                                  size_t* keys_left) {
  std::vector<std::string> keys;
  RocksRange entries = db.Range(family, range);
  for (entries.Last(); entries.Valid() && *keys_left > 0; entries.Previous()) {
    keys.emplace_back(entries.key());
    --*keys_left;
  }
  if (!entries.status().ok()) return absl::nullopt;
  return keys;
}

// Of each of `families`, which have the same keys, as the first has.
void PurgeRange(RocksDb& db, const std::vector<Family>& families,
                const KeyRange& range, size_t* keys_left, RocksBatch* batch) {
  const auto keys = LastKeys(db, families.front(), range, keys_left);
  for (const Family family : families) {
    if (!keys) {
      batch->DeleteRange(family, range);
      continue;
    }
    for (const std::string& key : *keys) batch->Delete(family, key);
  }
}

}  // namespace

absl::StatusOr<bool> PurgeUid(RocksDb& db, StreamUid uid, size_t* keys_left,
                              RocksBatch* batch) {
  ASSIGN_OR_RETURN(const std::vector<std::string> beginnings,
                   ReadBeginningKeys(db, uid));
  PurgeRange(db, {Family::kCheckpoint, Family::kState}, AllOf(uid), keys_left,
             batch);
  PurgeRange(db, {Family::kEmbedding}, AllOf(uid), keys_left, batch);
  PurgeRange(db, {Family::kLog}, AllOf(uid), keys_left, batch);
  PurgeRange(db, {Family::kMeta}, RequestsOf(uid), keys_left, batch);
  if (*keys_left == 0) return false;
  for (const std::string& key : beginnings) batch->Delete(Family::kMeta, key);
  PurgeRange(db, {Family::kMeta}, BeginningsOf(uid), keys_left, batch);
  if (*keys_left == 0) return false;
  batch->Delete(Family::kMeta, UnownedKey(uid));
  return true;
}

}  // namespace oxbow
