#include "clients/bench/ingest_load.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "clients/bench/load_source.h"
#include "clients/cli/patience.h"
#include "clients/cli/uploader.h"

namespace oxbow::bench {

struct IngestLoad::Upload {
  Upload(const Stage& stage, const std::string& stream,
         cli::Uploader::OnAck on_ack)
      : connection(stage.server, /*own_socket=*/true),
        source(stage.corpus, stream, stage.chunk_bytes, absl::nullopt),
        patience(absl::ZeroDuration(), [](absl::string_view) {}),
        uploader(&connection, stream, v1::Position(), &source, &patience,
                 std::move(on_ack)) {
    uploader.LimitAhead(int64_t{kChunksAhead} * stage.chunk_bytes);
  }

  cli::Connection connection;
  LoadSource source;
  cli::Patience patience;
  cli::Uploader uploader;
  v1::AppendAck newest;
};

IngestLoad::IngestLoad(const Stage* stage, int streams)
    : stage_(stage), count_(streams) {}

IngestLoad::~IngestLoad() { crew_.Stop(); }

absl::Status IngestLoad::Start() {
  for (int i = 0; i < count_; ++i) {
    ASSIGN_OR_RETURN(const std::string stream, stage_->streams->Create());
    uploads_.push_back(std::make_unique<Upload>(
        *stage_, stream, [this, i](const v1::AppendAck& ack) {
          OnAck(uploads_[i].get(), ack);
        }));
  }
  for (const auto& upload : uploads_) {
    RETURN_IF_ERROR(upload->connection.WaitUntilConnected(Stage::kConnect));
  }
  for (const auto& upload : uploads_) {
    cli::Uploader* const uploader = &upload->uploader;
    crew_.Add([uploader] { return uploader->Run(); },
              [uploader] { uploader->Cancel(); });
  }
  return absl::OkStatus();
}

void IngestLoad::OnAck(Upload* upload, const v1::AppendAck& ack) {
  const absl::Time now = absl::Now();
  const std::vector<absl::Time> sent =
      upload->source.TakeDurable(ack.durable());
  absl::MutexLock lock(&mu_);
  upload->newest = ack;
  if (!measuring_) return;
  for (const absl::Time time : sent) {
    // What was sent before is of the burst at the start.
    if (time >= begun_) ack_.Add(now - time);
  }
}

bool IngestLoad::Warm() {
  absl::MutexLock lock(&mu_);
  return std::all_of(uploads_.begin(), uploads_.end(), [](const auto& upload) {
    return upload->newest.applied().byte_offset() > 0;
  });
}

int64_t IngestLoad::AppliedTokens() const {
  int64_t tokens = 0;
  for (const auto& upload : uploads_) tokens += upload->newest.token_offset();
  return tokens;
}

int64_t IngestLoad::AppliedBytes() const {
  int64_t bytes = 0;
  for (const auto& upload : uploads_) {
    bytes += upload->newest.applied().byte_offset();
  }
  return bytes;
}

void IngestLoad::BeginWindow() {
  absl::MutexLock lock(&mu_);
  measuring_ = true;
  begun_ = absl::Now();
  tokens_before_ = AppliedTokens();
  bytes_before_ = AppliedBytes();
}

void IngestLoad::EndWindow() {
  absl::MutexLock lock(&mu_);
  measuring_ = false;
  figures_.seconds = absl::ToDoubleSeconds(absl::Now() - begun_);
  figures_.tokens = AppliedTokens() - tokens_before_;
  figures_.bytes = AppliedBytes() - bytes_before_;
  figures_.ack = ack_;
}

}  // namespace oxbow::bench
