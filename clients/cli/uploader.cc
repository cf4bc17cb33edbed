#include "clients/cli/uploader.h"

#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/call_status.h"

namespace oxbow::cli {
namespace {

// What may be sent and not yet durable. The server takes 4 MiB more than it
// has applied, so this keeps it busy.
constexpr int64_t kWindowBytes = 8 << 20;

bool SamePlace(const v1::Position& a, const v1::Position& b) {
  return !IsBefore(a, b) && !IsBefore(b, a);
}

absl::Status SomebodyElse(const v1::Position& durable) {
  return DataFault(absl::StrCat(
      "the stream ends at byte ", durable.byte_offset(),
      ", where this upload has not been: somebody else writes to it"));
}

}  // namespace

Uploader::Uploader(Connection* connection, std::string stream_id,
                   absl::optional<v1::Position> expected, AppendSource* source,
                   Patience* patience, OnAck on_ack)
    : connection_(connection),
      stream_id_(std::move(stream_id)),
      expected_(std::move(expected)),
      source_(source),
      patience_(patience),
      on_ack_(std::move(on_ack)) {}

absl::Status Uploader::Run() {
  return patience_->Try([this] { return RunOnce(); });
}

void Uploader::Cancel() {
  absl::MutexLock lock(&mu_);
  cancelled_ = true;
  if (running_ != nullptr) running_->TryCancel();
}

absl::Status Uploader::RunOnce() {
  grpc::ClientContext context;
  {
    absl::MutexLock lock(&mu_);
    if (cancelled_) return absl::AbortedError("the upload was cancelled");
    running_ = &context;
  }
  const absl::Status status = RunCall(&context);
  absl::MutexLock lock(&mu_);
  running_ = nullptr;
  return cancelled_ ? absl::AbortedError("the upload was cancelled") : status;
}

absl::Status Uploader::RunCall(grpc::ClientContext* context) {
  const std::unique_ptr<Rpc> rpc = connection_->streams().Append(context);
  v1::AppendRequest open;
  open.mutable_open()->set_stream_id(stream_id_);
  {
    absl::MutexLock lock(&mu_);
    acked_ = ended_ = false;
    if (newest_.has_value()) {
      *open.mutable_open()->mutable_last_durable() = newest_->durable();
    }
  }
  // If it does not go out, the call's status tells why.
  rpc->Write(open);
  std::thread reader([this, &rpc] { ReadAcks(rpc.get()); });
  const absl::Status fault = Send(rpc.get());
  if (fault.ok()) {
    rpc->WritesDone();
  } else {
    context->TryCancel();
  }
  reader.join();
  const absl::Status status = FromGrpc(rpc->Finish());
  if (!fault.ok()) return fault;
  RETURN_IF_ERROR(status);
  absl::MutexLock lock(&mu_);
  if (source_at_end_ && kept_.empty()) return absl::OkStatus();
  return absl::UnavailableError("the server ended the call before its time");
}

absl::Status Uploader::Send(Rpc* rpc) {
  std::vector<std::shared_ptr<const Piece>> again;
  {
    absl::MutexLock lock(&mu_);
    const auto begun = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return acked_ || ended_;
    };
    mu_.Await(absl::Condition(&begun));
    if (!acked_) return absl::OkStatus();
    RETURN_IF_ERROR(CheckFirstAck());
    again.assign(kept_.begin(), kept_.end());
  }
  for (const auto& piece : again) {
    if (!SendPiece(rpc, *piece)) return absl::OkStatus();
  }
  while (!source_at_end_) {
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &Uploader::HasWindow));
      if (ended_) return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(absl::optional<Piece> next, source_->Next(*next_));
    if (!next.has_value()) {
      source_at_end_ = true;
      break;
    }
    const auto piece = std::make_shared<const Piece>(*std::move(next));
    next_ = piece->end;
    {
      absl::MutexLock lock(&mu_);
      kept_.push_back(piece);
      kept_bytes_ += piece->chunk.ByteSizeLong();
    }
    if (!SendPiece(rpc, *piece)) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status Uploader::CheckFirstAck() {
  const v1::Position& durable = newest_->durable();
  if (next_.has_value()) {
    // Not past what was ever sent.
    return IsBefore(*next_, durable) ? SomebodyElse(durable) : absl::OkStatus();
  }
  if (expected_.has_value() && !SamePlace(*expected_, durable)) {
    return SomebodyElse(durable);
  }
  next_ = durable;
  return absl::OkStatus();
}

bool Uploader::SendPiece(Rpc* rpc, const Piece& piece) {
  v1::AppendRequest request;
  *request.mutable_chunk() = piece.chunk;
  return rpc->Write(request);
}

void Uploader::ReadAcks(Rpc* rpc) {
  v1::AppendResponse response;
  while (rpc->Read(&response)) {
    {
      absl::MutexLock lock(&mu_);
      Take(response.ack());
    }
    on_ack_(response.ack());
  }
  absl::MutexLock lock(&mu_);
  ended_ = true;
}

void Uploader::Take(const v1::AppendAck& ack) {
  // A restarted server has more to apply than before: that is no step back of
  // what is durable, and still a step.
  const bool moved = !newest_.has_value() ||
                     !SamePlace(newest_->durable(), ack.durable()) ||
                     !SamePlace(newest_->applied(), ack.applied());
  if (moved) patience_->Progress();
  newest_ = ack;
  acked_ = true;
  while (!kept_.empty() && !IsBefore(ack.durable(), kept_.front()->end)) {
    kept_bytes_ -= kept_.front()->chunk.ByteSizeLong();
    kept_.pop_front();
  }
}

bool Uploader::HasWindow() const {
  if (ended_) return true;
  const int64_t ahead = next_->byte_offset() - newest_->applied().byte_offset();
  return kept_bytes_ < kWindowBytes && ahead < ahead_bytes_max_;
}

}  // namespace oxbow::cli
