#include "clients/admin/replay.h"

#include <limits>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "clients/cli/call_status.h"
#include "clients/cli/status_line.h"
#include "store/rocks_store.h"

namespace oxbow::admin {
namespace {

// The one that is replayed, and what an earlier replay may still hold.
constexpr int kStates = 4;
constexpr absl::Duration kSilent = absl::Seconds(2);

absl::StatusOr<ReplayReport> ReplayIn(StreamStore& store,
                                      const ReplayFlags& flags,
                                      const Clock* clock,
                                      std::unique_ptr<Reader> reader,
                                      const Session& session) {
  CheckpointReplay replay(&store, clock, std::move(reader));
  const absl::Time begin = absl::Now();
  cli::StatusLine line(session.err, session.err_is_terminal);
  bool shown = false;
  ReplaySampleOptions options;
  options.count = flags.count;
  options.seed = flags.seed;
  options.on_progress = [&](int done, int total) {
    const absl::Time now = absl::Now();
    if (now - begin < kSilent) return;
    shown = true;
    line.Show(now, [done, total] {
      return absl::StrCat("replayed ", done, " of ", total, " checkpoints");
    });
  };
  absl::StatusOr<ReplayReport> report = ReplaySample(store, options, &replay);
  if (shown && report.ok()) {
    line.Finish(absl::StrCat("replayed ", report->replayed, " checkpoints in ",
                             absl::ToInt64Seconds(absl::Now() - begin), " s"));
  }
  return report;
}

}  // namespace

void AddReplayFlags(CLI::App* command, ReplayFlags* flags) {
  CLI::Option* model =
      command
          ->add_option("--model", flags->model.model,
                       "The model that made the store's states, as oxbowd "
                       "takes it")
          ->type_name("PATH");
  CLI::Option* replay =
      command
          ->add_option("--replay", flags->count,
                       "Replay so many checkpoints of the generator, chosen at "
                       "random, from the one before each, and compare the "
                       "states bit for bit. No server may have the store open")
          ->check(CLI::Range(1, std::numeric_limits<int>::max()))
          ->needs(model);
  model->needs(replay);
  command->add_option("--seed", flags->seed, "Which checkpoints --replay takes")
      ->capture_default_str();
  AddModelFlags(command, &flags->model);
}

absl::StatusOr<ReplayReport> Replay(const std::string& store,
                                    const ReplayFlags& flags,
                                    const Session& session) {
  const RealClock clock;
  ASSIGN_OR_RETURN(ReaderSpec spec,
                   LoadReader(flags.model, kStates, &clock, session));
  auto reader =
      std::make_unique<Reader>("generator", std::move(spec.model),
                               std::move(spec.tokenizer), Scheduler::Options());
  RocksStoreOptions options;
  options.path = store;
  options.create_if_missing = false;
  const absl::StatusOr<std::unique_ptr<DiskStore>> opened =
      OpenRocksStore(options);
  if (!opened.ok()) return StoreFault(opened.status());
  const absl::StatusOr<ReplayReport> report =
      ReplayIn(**opened, flags, &clock, std::move(reader), session);
  // Another model than the store's is the command line's fault.
  if (absl::IsFailedPrecondition(report.status())) {
    return cli::UsageFault(report.status().message());
  }
  if (!report.ok()) return StoreFault(report.status());
  return report;
}

}  // namespace oxbow::admin
