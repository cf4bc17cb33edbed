// Streams that append without pause.
#ifndef OXBOW_CLIENTS_BENCH_INGEST_LOAD_H_
#define OXBOW_CLIENTS_BENCH_INGEST_LOAD_H_

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/bench/crew.h"
#include "clients/bench/figures.h"
#include "clients/bench/load.h"
#include "clients/bench/stage.h"
#include "oxbow/v1/streams.pb.h"

namespace oxbow::bench {

// Each keeps kChunksAhead chunks between itself and what is applied: the model
// never waits, and a chunk's ack waits for the log, not for the model. Tokens
// and bytes count once the server says that they are applied. See Load for the
// rest.
class IngestLoad : public Load {
 public:
  static constexpr int kChunksAhead = 16;

  // Borrows the stage.
  IngestLoad(const Stage* stage, int streams);
  ~IngestLoad() override;

  absl::Status Start() override;
  bool Warm() override;
  void BeginWindow() override;
  void EndWindow() override;
  absl::Status fault() const override { return crew_.fault(); }
  void Stop() override { crew_.Stop(); }

  // After EndWindow().
  const IngestFigures& figures() const { return figures_; }

 private:
  struct Upload;  // of one stream

  void OnAck(Upload* upload, const v1::AppendAck& ack);
  // Of all streams.
  int64_t AppliedTokens() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int64_t AppliedBytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Stage* const stage_;
  const int count_;
  std::vector<std::unique_ptr<Upload>> uploads_;

  mutable absl::Mutex mu_;
  bool measuring_ ABSL_GUARDED_BY(mu_) = false;
  absl::Time begun_ ABSL_GUARDED_BY(mu_);
  int64_t tokens_before_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t bytes_before_ ABSL_GUARDED_BY(mu_) = 0;
  Latencies ack_ ABSL_GUARDED_BY(mu_);
  IngestFigures figures_;

  Crew crew_;  // the last: its threads use all of the above
};

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_INGEST_LOAD_H_
