// What is known of the uids last written to.
#ifndef OXBOW_STORE_UID_CACHE_H_
#define OXBOW_STORE_UID_CACHE_H_

#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

#include "store/check_batch.h"
#include "store/records.h"

namespace oxbow {

// Remembers the state of at most so many uids, dropping the one not asked for
// longest. Thread-compatible.
class UidCache {
 public:
  explicit UidCache(size_t uids_max) : uids_max_(uids_max) {}

  // nullptr if unknown. Valid until the next call.
  const UidState* Find(StreamUid uid);
  void Put(StreamUid uid, const UidState& state);
  void Forget(StreamUid uid);

 private:
  using Entry = std::pair<StreamUid, UidState>;

  const size_t uids_max_;
  std::list<Entry> newest_first_;
  std::unordered_map<StreamUid, std::list<Entry>::iterator> places_;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_UID_CACHE_H_
