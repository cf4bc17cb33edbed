// One call at a time for each generation that has an id.
#ifndef OXBOW_ENGINE_GENERATION_TABLE_H_
#define OXBOW_ENGINE_GENERATION_TABLE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "store/records.h"

namespace oxbow {

// A client whose connection broke asks again before the server may have noticed
// the break. So the newest call wins: the one at work is told to end, and the
// new one begins when it has. What the older has stored by then, the newer
// finds.
//
// Engine thread only.
class GenerationTable {
 public:
  // The stream and the generation's id.
  using Key = std::pair<StreamUid, std::string>;

  struct Call {
    std::function<void()> begin;      // called once
    std::function<void()> supersede;  // end soon; perhaps before `begin`
  };

  // Begins at once if nobody is at work on the same.
  void Enter(const Key& key, Call call) {
    std::deque<Call>& calls = calls_[key];
    for (const Call& older : calls) older.supersede();
    calls.push_back(std::move(call));
    if (calls.size() == 1) Begin(calls.front());
  }

  // The call at work has ended.
  void Leave(const Key& key) {
    const auto it = calls_.find(key);
    it->second.pop_front();
    if (it->second.empty()) {
      calls_.erase(it);
    } else {
      Begin(it->second.front());
    }
  }

  // Lets go of every call.
  void Clear() { calls_.clear(); }

  // Bytes of records written since they were last forgotten.
  void CountStored(size_t bytes) { stored_bytes_ += bytes; }
  size_t stored_bytes() const { return stored_bytes_; }
  void ForgetStored() { stored_bytes_ = 0; }

 private:
  // The call may leave, and so be gone, before it returns.
  static void Begin(const Call& call) {
    const std::function<void()> begin = call.begin;
    begin();
  }

  std::map<Key, std::deque<Call>> calls_;
  size_t stored_bytes_ = 0;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_GENERATION_TABLE_H_
