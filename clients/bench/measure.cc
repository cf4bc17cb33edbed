#include "clients/bench/measure.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "clients/bench/crew.h"
#include "clients/bench/generate_load.h"
#include "clients/bench/ingest_load.h"
#include "clients/bench/load.h"
#include "clients/bench/load_source.h"
#include "clients/cli/patience.h"
#include "clients/cli/progress.h"
#include "clients/cli/status_line.h"
#include "clients/cli/uploader.h"

namespace oxbow::bench {
namespace {

constexpr absl::Duration kFirstAnswer = absl::Minutes(1);
// What is over sooner needs no progress.
constexpr absl::Duration kShort = absl::Seconds(2);

absl::Status WaitUntilWarm(const Stage& stage, const std::vector<Load*>& loads,
                           const std::function<absl::Status()>& fault) {
  const absl::Time begin = absl::Now();
  return stage.Wait(
      [&] {
        for (Load* const load : loads) {
          if (!load->Warm()) return false;
        }
        return true;
      },
      [&]() -> absl::Status {
        if (absl::Now() - begin < kFirstAnswer) return fault();
        return absl::DeadlineExceededError(
            "a stream waited a minute for its first answer: ask for fewer "
            "--streams");
      });
}

absl::Status WaitForWindow(const Stage& stage, const std::string& name,
                           const std::function<absl::Status()>& fault) {
  cli::StatusLine line(stage.window > kShort ? stage.err : nullptr,
                       stage.err_is_terminal);
  const absl::Time begin = absl::Now();
  const auto said = [&] {
    const absl::Duration gone = absl::Now() - begin;
    return absl::StrFormat("%s%s  %.0f of %.0f s",
                           cli::Bar(absl::FDivDuration(gone, stage.window)),
                           name, absl::ToDoubleSeconds(gone),
                           absl::ToDoubleSeconds(stage.window));
  };
  const absl::Status status = stage.Wait(
      [&] {
        line.Show(absl::Now(), said);
        return absl::Now() - begin >= stage.window;
      },
      fault);
  line.Finish(said());
  return status;
}

// Starts the loads, measures them together, stops them and deletes their
// streams.
absl::Status MeasureTogether(const Stage& stage, const std::string& name,
                             const std::vector<Load*>& loads) {
  const auto fault = [&]() -> absl::Status {
    for (const Load* const load : loads) RETURN_IF_ERROR(load->fault());
    return absl::OkStatus();
  };
  {
    const auto stop = absl::MakeCleanup([&] {
      for (Load* const load : loads) load->Stop();
    });
    for (Load* const load : loads) RETURN_IF_ERROR(load->Start());
    RETURN_IF_ERROR(WaitUntilWarm(stage, loads, fault));
    for (Load* const load : loads) load->BeginWindow();
    RETURN_IF_ERROR(WaitForWindow(stage, name, fault));
    for (Load* const load : loads) load->EndWindow();
  }
  return stage.streams->DeleteAll();
}

absl::Status NothingCame(const Stage& stage) {
  return absl::DeadlineExceededError(absl::StrFormat(
      "nothing was applied or generated in %g s: give more --seconds or ask "
      "for fewer --streams",
      absl::ToDoubleSeconds(stage.window)));
}

absl::StatusOr<IngestFigures> Checked(const Stage& stage,
                                      const IngestLoad& load) {
  if (load.figures().tokens <= 0) return NothingCame(stage);
  return load.figures();
}

absl::StatusOr<GenerateFigures> Checked(const Stage& stage,
                                        const GenerateLoad& load) {
  if (load.figures().tokens <= 0) return NothingCame(stage);
  return load.figures();
}

std::string NameOf(const char* load, int streams) {
  return absl::StrCat(load, ", ", streams,
                      streams == 1 ? " stream" : " streams");
}

// Ingests the document; its tokens.
absl::StatusOr<int64_t> IngestDocument(const Stage& stage,
                                       const std::string& first_line,
                                       int64_t bytes, double* seconds) {
  ASSIGN_OR_RETURN(const std::string stream, stage.streams->Create());
  cli::Connection connection(stage.server);
  RETURN_IF_ERROR(connection.WaitUntilConnected(Stage::kConnect));
  LoadSource source(stage.corpus, first_line, stage.chunk_bytes, bytes);
  cli::Patience patience(absl::ZeroDuration(), [](absl::string_view) {});
  absl::Mutex mu;
  v1::AppendAck newest;
  cli::Uploader uploader(&connection, stream, v1::Position(), &source,
                         &patience, [&](const v1::AppendAck& ack) {
                           absl::MutexLock lock(&mu);
                           newest = ack;
                         });
  cli::Progress progress(stage.err, stage.err_is_terminal, bytes);
  const absl::Time begin = absl::Now();
  absl::Time end = begin;
  progress.Begin(v1::AppendAck(), begin);
  bool shown = false;
  Crew crew;
  crew.Add(
      [&] {
        const absl::Status status = uploader.Run();
        end = absl::Now();
        return status;
      },
      [&] { uploader.Cancel(); });
  RETURN_IF_ERROR(stage.Wait(
      [&] {
        if (absl::Now() - begin > kShort) {
          absl::MutexLock lock(&mu);
          progress.Show(newest, absl::Now());
          shown = true;
        }
        return crew.done();
      },
      [&] { return crew.fault(); }));
  crew.Stop();
  RETURN_IF_ERROR(crew.fault());
  if (shown) progress.Finish(absl::Now());
  *seconds = absl::ToDoubleSeconds(end - begin);
  return newest.token_offset();
}

}  // namespace

absl::StatusOr<LoadRun> MeasureIngest(const Stage& stage, int streams) {
  IngestLoad ingest(&stage, streams);
  RETURN_IF_ERROR(MeasureTogether(stage, NameOf("ingest", streams), {&ingest}));
  LoadRun run;
  run.streams = streams;
  ASSIGN_OR_RETURN(run.ingest_solo, Checked(stage, ingest));
  return run;
}

absl::StatusOr<LoadRun> MeasureGenerate(const Stage& stage, int streams) {
  GenerateLoad generate(&stage, streams);
  RETURN_IF_ERROR(
      MeasureTogether(stage, NameOf("generate", streams), {&generate}));
  LoadRun run;
  run.streams = streams;
  ASSIGN_OR_RETURN(run.generate_idle, Checked(stage, generate));
  return run;
}

absl::StatusOr<LoadRun> MeasureMixed(const Stage& stage, int streams) {
  ASSIGN_OR_RETURN(LoadRun run, MeasureGenerate(stage, streams));
  ASSIGN_OR_RETURN(const LoadRun solo, MeasureIngest(stage, streams));
  run.ingest_solo = solo.ingest_solo;
  IngestLoad ingest(&stage, streams);
  GenerateLoad generate(&stage, streams);
  RETURN_IF_ERROR(
      MeasureTogether(stage, NameOf("mixed", streams), {&ingest, &generate}));
  ASSIGN_OR_RETURN(run.ingest_mixed, Checked(stage, ingest));
  ASSIGN_OR_RETURN(run.generate_mixed, Checked(stage, generate));
  return run;
}

absl::StatusOr<TwiceRun> MeasureTwice(const Stage& stage, int64_t bytes) {
  TwiceRun run;
  run.bytes = bytes;
  // A line that no earlier run had.
  const std::string line = stage.streams->prefix();
  ASSIGN_OR_RETURN(run.tokens,
                   IngestDocument(stage, line, bytes, &run.first_seconds));
  RETURN_IF_ERROR(
      IngestDocument(stage, line, bytes, &run.second_seconds).status());
  RETURN_IF_ERROR(stage.streams->DeleteAll());
  return run;
}

}  // namespace oxbow::bench
