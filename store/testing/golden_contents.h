// What the golden stores of store/testdata hold: a little of everything.
#ifndef OXBOW_STORE_TESTING_GOLDEN_CONTENTS_H_
#define OXBOW_STORE_TESTING_GOLDEN_CONTENTS_H_

#include <string>
#include <vector>

#include "store/stream_store.h"

namespace oxbow {

struct GoldenContents {
  // Written in order into a new store, after so many uids were taken.
  std::vector<StoreBatch> batches;
  int uids = 0;
  // The batches from here on are only in the log of changes, as a kill leaves
  // them; those before are in files.
  size_t first_in_log = 0;
  StreamUid deleted = 0;  // a stream that was deleted before first_in_log
  std::string property;   // its name and its value
};

// Of release 1, which has format 1. Never to be changed: a later release that
// stores more gets contents and a golden store of its own.
GoldenContents ContentsOfFormat1();

}  // namespace oxbow

#endif  // OXBOW_STORE_TESTING_GOLDEN_CONTENTS_H_
