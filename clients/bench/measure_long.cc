#include "clients/bench/measure_long.h"

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/resident_bytes.h"
#include "base/status_macros.h"
#include "clients/bench/crew.h"
#include "clients/bench/load_source.h"
#include "clients/bench/window_clock.h"
#include "clients/cli/call_status.h"
#include "clients/cli/connection.h"
#include "clients/cli/patience.h"
#include "clients/cli/status_line.h"
#include "clients/cli/uploader.h"

namespace oxbow::bench {
namespace {

// The model never waits for text.
constexpr int64_t kChunksAhead = 16;
// What is over sooner needs no progress.
constexpr absl::Duration kShort = absl::Seconds(2);

// A line for people, once it is seen to take a while.
class LateLine {
 public:
  explicit LateLine(const Stage& stage)
      : line_(stage.err, stage.err_is_terminal), begin_(absl::Now()) {}

  absl::Duration gone() const { return absl::Now() - begin_; }

  void Show(const std::function<std::string()>& said) {
    if (gone() < kShort) return;
    line_.Show(absl::Now(), said);
    shown_ = true;
  }
  void Finish(const std::function<std::string()>& said) {
    if (shown_) line_.Finish(said());
  }

 private:
  cli::StatusLine line_;
  const absl::Time begin_;
  bool shown_ = false;
};

absl::Status CheckProcess(pid_t pid) {
  if (pid == 0 || ResidentBytes(pid) > 0) return absl::OkStatus();
  return cli::UsageFault(
      absl::StrCat("--server-pid=", pid, ": no such process here"));
}

std::string ReadingLine(const LongOptions& options, int64_t tokens,
                        absl::Duration gone) {
  const double seconds = std::max(absl::ToDoubleSeconds(gone), 1e-3);
  const double speed = tokens / seconds;
  return absl::StrFormat(
      "%s%d of %d tokens  %.0f tokens/s  %.0f s left",
      cli::Bar(static_cast<double>(tokens) / options.tokens), tokens,
      options.tokens, speed,
      speed > 0 ? std::max<double>(0, options.tokens - tokens) / speed : 0);
}

// Appends until the clock is done and all that was sent is applied.
absl::Status Read(const Stage& stage, const LongOptions& options,
                  const std::string& stream, WindowClock* clock) {
  cli::Connection connection(stage.server, /*own_socket=*/true);
  RETURN_IF_ERROR(connection.WaitUntilConnected(Stage::kConnect));
  LoadSource source(stage.corpus, stream, stage.chunk_bytes, absl::nullopt);
  cli::Patience patience(absl::ZeroDuration(), [](absl::string_view) {});
  absl::Mutex mu;
  cli::Uploader uploader(&connection, stream, v1::Position(), &source,
                         &patience, [&mu, clock](const v1::AppendAck& ack) {
                           absl::MutexLock lock(&mu);
                           clock->OnApplied(ack.token_offset(), absl::Now());
                         });
  uploader.LimitAhead(kChunksAhead * stage.chunk_bytes);
  Crew crew;
  crew.Add([&uploader] { return uploader.Run(); },
           [&uploader] { uploader.Cancel(); });
  LateLine line(stage);
  const auto said = [&] {
    absl::MutexLock lock(&mu);
    return ReadingLine(options, clock->token_offset(), line.gone());
  };
  const absl::Status status = stage.Wait(
      [&] {
        line.Show(said);
        absl::MutexLock lock(&mu);
        if (clock->done()) source.End();
        return crew.done();
      },
      [&crew] { return crew.fault(); });
  crew.Stop();
  line.Finish(said);
  RETURN_IF_ERROR(status);
  return crew.fault();
}

// How the stream stands once all that arrived is applied.
absl::StatusOr<v1::Stream> Settled(const Stage& stage,
                                   const std::string& stream) {
  v1::GetStreamRequest request;
  request.set_stream_id(stream);
  request.set_view(v1::GetStreamRequest::VIEW_FULL);
  return cli::Ask(&stage.connection->streams(), &v1::Streams::Stub::GetStream,
                  request);
}

// Vectors that follow one another from the first token on.
absl::StatusOr<int64_t> CountEmbeddings(const Stage& stage,
                                        const std::string& stream) {
  v1::ReadEmbeddingsRequest request;
  request.set_stream_id(stream);
  grpc::ClientContext context;
  const auto reader =
      stage.connection->streams().ReadEmbeddings(&context, request);
  v1::ReadEmbeddingsResponse response;
  int64_t count = 0;
  int64_t end = 0;
  while (reader->Read(&response)) {
    for (const v1::TimelineEntry& entry : response.entries()) {
      if (entry.token_begin() != end) continue;
      end = entry.token_end();
      ++count;
    }
  }
  RETURN_IF_ERROR(cli::FromGrpc(reader->Finish()));
  return count;
}

// Where the kept checkpoints stand, in tokens, rising; 0 is the first.
absl::StatusOr<std::vector<int64_t>> CheckpointTokens(
    const Stage& stage, const std::string& stream) {
  v1::ListCheckpointsRequest request;
  request.set_stream_id(stream);
  ASSIGN_OR_RETURN(const v1::ListCheckpointsResponse list,
                   cli::Ask(&stage.connection->streams(),
                            &v1::Streams::Stub::ListCheckpoints, request));
  std::vector<int64_t> tokens = {0};
  for (const v1::CheckpointInfo& checkpoint : list.checkpoints()) {
    tokens.push_back(checkpoint.token_offset());
  }
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

absl::StatusOr<LongProbe> Probe(const Stage& stage, const std::string& stream,
                                int64_t byte_offset,
                                const std::vector<int64_t>& checkpoints) {
  v1::EmbedRequest request;
  request.mutable_stream()->set_stream_id(stream);
  request.mutable_stream()->mutable_at()->set_byte_offset(byte_offset);
  request.set_pooling(v1::POOLING_LAST);
  const absl::Time begin = absl::Now();
  ASSIGN_OR_RETURN(const v1::EmbedResponse response,
                   cli::Ask(&stage.connection->streams(),
                            &v1::Streams::Stub::Embed, request));
  LongProbe probe;
  probe.seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  probe.byte_offset = byte_offset;
  probe.token_offset = response.point().token_offset();
  const auto behind = std::upper_bound(checkpoints.begin(), checkpoints.end(),
                                       probe.token_offset);
  probe.distance_tokens = probe.token_offset - *std::prev(behind);
  return probe;
}

absl::Status ProbeAll(const Stage& stage, const LongOptions& options,
                      const std::string& stream, LongRun* run) {
  ASSIGN_OR_RETURN(const std::vector<int64_t> checkpoints,
                   CheckpointTokens(stage, stream));
  run->checkpoints = checkpoints.size() - 1;
  LateLine line(stage);
  std::mt19937_64 random(1);
  const auto said = [&] {
    const double share =
        static_cast<double>(run->probes.size()) / std::max(1, options.probes);
    return absl::StrFormat("%s%d of %d points embedded", cli::Bar(share),
                           run->probes.size(), options.probes);
  };
  for (int i = 0; i < options.probes; ++i) {
    line.Show(said);
    if (stage.interrupted->load()) break;
    ASSIGN_OR_RETURN(
        LongProbe probe,
        Probe(stage, stream, 1 + random() % run->bytes, checkpoints));
    run->probes.push_back(probe);
  }
  line.Finish(said);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LongRun> MeasureLong(const Stage& stage,
                                    const LongOptions& options) {
  RETURN_IF_ERROR(CheckProcess(options.server_pid));
  std::function<int64_t()> resident;
  if (options.server_pid != 0) {
    resident = [pid = options.server_pid] { return ResidentBytes(pid); };
  }
  ASSIGN_OR_RETURN(const std::string stream,
                   stage.streams->Create(options.embed_every));
  WindowClock clock(options.tokens, kLongWindows, resident);
  RETURN_IF_ERROR(Read(stage, options, stream, &clock));
  if (clock.windows().empty()) {
    return cli::UsageFault(absl::StrCat("--tokens=", options.tokens,
                                        ": all of them were read at once; ask "
                                        "for more"));
  }
  ASSIGN_OR_RETURN(const v1::Stream settled, Settled(stage, stream));
  LongRun run;
  run.windows = clock.windows();
  run.tokens = settled.token_offset();
  run.bytes = settled.applied().byte_offset();
  run.embed_every = options.embed_every;
  run.embeddings_expected = run.tokens / options.embed_every;
  ASSIGN_OR_RETURN(run.embeddings_stored, CountEmbeddings(stage, stream));
  RETURN_IF_ERROR(ProbeAll(stage, options, stream, &run));
  RETURN_IF_ERROR(stage.streams->DeleteAll());
  return run;
}

}  // namespace oxbow::bench
