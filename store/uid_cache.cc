#include "store/uid_cache.h"

namespace oxbow {

const UidState* UidCache::Find(StreamUid uid) {
  const auto place = places_.find(uid);
  if (place == places_.end()) return nullptr;
  newest_first_.splice(newest_first_.begin(), newest_first_, place->second);
  return &place->second->second;
}

void UidCache::Put(StreamUid uid, const UidState& state) {
  Forget(uid);
  newest_first_.emplace_front(uid, state);
  places_[uid] = newest_first_.begin();
  if (places_.size() > uids_max_) Forget(newest_first_.back().first);
}

void UidCache::Forget(StreamUid uid) {
  const auto place = places_.find(uid);
  if (place == places_.end()) return;
  newest_first_.erase(place->second);
  places_.erase(place);
}

}  // namespace oxbow
