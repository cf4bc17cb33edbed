// Work on rows, shared by threads.
#ifndef OXBOW_ENGINE_WEIGHTS_FOR_EACH_PART_H_
#define OXBOW_ENGINE_WEIGHTS_FOR_EACH_PART_H_

#include <cstdint>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"

namespace oxbow {

// Calls work(0) to work(parts - 1), each on a thread of its own, and returns
// when all are done. For work of milliseconds: the threads are new each time.
inline void ForEachPart(int64_t parts, absl::FunctionRef<void(int64_t)> work) {
  std::vector<std::thread> others;
  for (int64_t part = 1; part < parts; ++part) others.emplace_back(work, part);
  if (parts > 0) work(0);
  for (std::thread& other : others) other.join();
}

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_FOR_EACH_PART_H_
