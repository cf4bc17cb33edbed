// Streams that generate without pause.
#ifndef OXBOW_CLIENTS_BENCH_GENERATE_LOAD_H_
#define OXBOW_CLIENTS_BENCH_GENERATE_LOAD_H_

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/bench/crew.h"
#include "clients/bench/figures.h"
#include "clients/bench/load.h"
#include "clients/bench/stage.h"

namespace oxbow::bench {

// Each asks for one greedy continuation of its stream after another, of
// kTokens tokens after a prompt of kPromptBytes. Nothing is kept. See Load for
// the rest.
class GenerateLoad : public Load {
 public:
  static constexpr int kTokens = 64;
  static constexpr int kPromptBytes = 128;

  // Borrows the stage.
  GenerateLoad(const Stage* stage, int streams);
  ~GenerateLoad() override;

  absl::Status Start() override;
  bool Warm() override;
  void BeginWindow() override;
  void EndWindow() override;
  absl::Status fault() const override { return crew_.fault(); }
  void Stop() override { crew_.Stop(); }

  // After EndWindow().
  const GenerateFigures& figures() const { return figures_; }

 private:
  class Asker;  // of one stream

  void OnToken(Asker* asker, bool is_first, absl::Duration latency);

  const Stage* const stage_;
  const int count_;
  std::vector<std::unique_ptr<Asker>> askers_;

  absl::Mutex mu_;
  bool measuring_ ABSL_GUARDED_BY(mu_) = false;
  absl::Time begun_ ABSL_GUARDED_BY(mu_);
  GenerateFigures counted_ ABSL_GUARDED_BY(mu_);
  GenerateFigures figures_;

  Crew crew_;  // the last: its threads use all of the above
};

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_GENERATE_LOAD_H_
