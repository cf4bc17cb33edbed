// Batches that tell afterwards whether they are there and whole.
#ifndef OXBOW_STORE_TESTING_NUMBERED_BATCHES_H_
#define OXBOW_STORE_TESTING_NUMBERED_BATCHES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "store/stream_store.h"
#include "store/testing/log_author.h"

namespace oxbow {

// Number n (from 0) writes to every family: it puts the stream with epoch n,
// appends a record, puts a checkpoint and an embedding at token n, and deletes
// the checkpoint kKept before. Sizes differ; contents follow from n.
// Thread-compatible.
class NumberedBatches {
 public:
  static constexpr uint64_t kKept = 4;

  // Goes on after what is in the store.
  static absl::StatusOr<NumberedBatches> GoOn(StreamStore& store);

  // The next batch.
  StoreBatch Next();

  // How many are in the store. Internal: one is there in part, or is not as
  // it was written. Other errors are the store's.
  static absl::StatusOr<uint64_t> CountWhole(StreamStore& store);

 private:
  LogAuthor author_;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_TESTING_NUMBERED_BATCHES_H_
