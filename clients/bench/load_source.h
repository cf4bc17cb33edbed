// Text to be ingested without end, and when each chunk of it went out.
#ifndef OXBOW_CLIENTS_BENCH_LOAD_SOURCE_H_
#define OXBOW_CLIENTS_BENCH_LOAD_SOURCE_H_

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "clients/cli/append_source.h"

namespace oxbow::bench {

// Words of English in a random order, always the same: as many bytes.
std::string RandomWords(size_t bytes);

// A line of its own, so that no two sources begin alike, then the corpus
// again and again. Thread-safe.
class LoadSource : public cli::AppendSource {
 public:
  // `bytes`: all there is, the line included; nullopt: no end. Borrows the
  // corpus, which is not empty.
  LoadSource(absl::string_view corpus, const std::string& line,
             size_t chunk_bytes, absl::optional<int64_t> bytes);

  absl::StatusOr<absl::optional<cli::Piece>> Next(
      const v1::Position& begin) override;

  // What Next() has given is all there is.
  void End();

  // When each chunk was taken by Next() that ends at or before `durable` and
  // was not told before.
  std::vector<absl::Time> TakeDurable(const v1::Position& durable);

  // Its streams are new: there is nothing to skip. Unimplemented.
  absl::Status Skip(const std::string& text) override;
  absl::Status SkipTo(const v1::Position& end) override;

 private:
  const absl::string_view corpus_;
  const size_t chunk_bytes_;

  absl::Mutex mu_;
  std::string begun_ ABSL_GUARDED_BY(mu_);  // not yet sent, before the corpus
  size_t place_ ABSL_GUARDED_BY(mu_) = 0;   // in the corpus
  absl::optional<int64_t> left_ ABSL_GUARDED_BY(mu_);  // bytes
  // Where sent chunks end, in order, and when they were taken.
  std::deque<std::pair<v1::Position, absl::Time>> sent_ ABSL_GUARDED_BY(mu_);
};

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_LOAD_SOURCE_H_
