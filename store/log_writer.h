// The log thread: group commit.
#ifndef OXBOW_STORE_LOG_WRITER_H_
#define OXBOW_STORE_LOG_WRITER_H_

#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "store/stream_store.h"

namespace oxbow {

// Writes batches in the order given, many in one synced write, and tells each
// caller in that order. A batch the store refuses for what it says fails
// alone. After a write that failed for any reason but a full
// disk, every later batch fails with the same status: a failed sync is never
// retried and believed.
//
// Thread-safe. Borrows the store, which must outlive it. The destructor waits
// for what was queued.
class LogWriter {
 public:
  struct Options {
    // Bytes in one write. More would only add latency to the first of them.
    size_t group_bytes_max = 1 << 20;
  };

  LogWriter(StreamStore* store, const Options& options);
  ~LogWriter();

  // `done` runs on the log thread once the batch is synced or has failed: it
  // must only enqueue.
  void Write(StoreBatch batch, std::function<void(absl::Status)> done);

  // Of batches whose `done` was not yet called: what the disk is behind.
  size_t queued_bytes() const;

 private:
  struct Item {
    StoreBatch batch;
    size_t bytes;
    std::function<void(absl::Status)> done;
  };

  void Run();
  void WriteGroup(std::deque<Item> group);
  absl::Status WriteSynced(const StoreBatch& batch);

  StreamStore* const store_;
  const Options options_;
  mutable absl::Mutex mu_;
  std::deque<Item> queue_ ABSL_GUARDED_BY(mu_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status failed_;  // The log thread's own.
  std::thread thread_;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_LOG_WRITER_H_
