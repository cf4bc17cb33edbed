#include "service/append_call.h"

#include <utility>

#include "base/status_macros.h"
#include "engine/error_reason.h"
#include "service/field_rules.h"
#include "service/message_bytes.h"
#include "service/to_grpc_status.h"
#include "service/to_proto.h"

namespace oxbow {

AppendCall::AppendCall(Engine* engine, const RequestRules* rules,
                       const CallTime& time)
    : engine_(engine),
      rules_(rules),
      limits_(time.limits),
      read_timer_(
          time.timers,
          [this] {
            Refuse(opened_ ? AppendIdle(*limits_) : FirstMessageLate(*limits_));
          }),
      end_timer_(time.timers,
                 [time] { Cut(time.context, ReaderStalled(*time.limits)); }) {
  ReadNext(limits_->first_message_max);
}

void AppendCall::ReadNext(absl::Duration limit) {
  read_timer_.Start(limit);
  StartRead(&request_);
}

void AppendCall::OnReadDone(bool ok) {
  // It ends because this came too late.
  if (read_timer_.Stop()) return;
  if (!ok) return OnHalfClose();
  v1::AppendRequest message;
  absl::Status status = ParseMessage(request_, &message);
  request_.Clear();
  if (status.ok()) status = opened_ ? TakeChunk(message) : Open(message);
  if (!status.ok()) Refuse(status);
}

absl::Status AppendCall::Open(const v1::AppendRequest& message) {
  if (!message.has_open()) {
    return FieldError("open", "must be the first message");
  }
  const v1::AppendOpen& open = message.open();
  ASSIGN_OR_RETURN(StreamName name,
                   NameFromProto("open.stream_id", open.stream_id()));
  absl::optional<Position> last_durable;
  if (open.has_last_durable()) {
    ASSIGN_OR_RETURN(last_durable, PositionFromProto("open.last_durable",
                                                     open.last_durable()));
  }
  opened_ = true;
  std::shared_ptr<AppendSession> session =
      engine_->OpenAppend(std::move(name), last_durable, this);
  bool ready = false;
  bool cancelled = false;
  {
    absl::MutexLock lock(&mu_);
    session_ = session;
    ready = std::exchange(ready_early_, false);
    cancelled = cancelled_;
  }
  if (ready) ReadNext(limits_->idle_append_max);
  if (cancelled) session->Cancel();
  return absl::OkStatus();
}

absl::Status AppendCall::TakeChunk(const v1::AppendRequest& message) {
  if (!message.has_chunk()) {
    return FieldError("chunk", "must be in every message after the first");
  }
  ASSIGN_OR_RETURN(AppendChunk chunk, FromProto(message.chunk(), *rules_));
  session()->Write(std::move(chunk));
  return absl::OkStatus();
}

void AppendCall::OnHalfClose() {
  if (!opened_) return Refuse(FieldError("open", "must be the first message"));
  bool broken = false;
  {
    absl::MutexLock lock(&mu_);
    broken = cancelled_;
  }
  // After a break OnCancel has told, or is about to tell, the session.
  if (!broken) session()->Close();
}

void AppendCall::Refuse(const absl::Status& status) {
  std::shared_ptr<AppendSession> session;
  {
    absl::MutexLock lock(&mu_);
    refused_ = status;
    session = session_;
    if (session == nullptr) ended_ = status;
  }
  if (session != nullptr) return session->Cancel();
  Advance();
}

std::shared_ptr<AppendSession> AppendCall::session() {
  absl::MutexLock lock(&mu_);
  return session_;
}

void AppendCall::OnCancel() {
  std::shared_ptr<AppendSession> session;
  {
    absl::MutexLock lock(&mu_);
    cancelled_ = true;
    session = session_;
  }
  if (session != nullptr) session->Cancel();
}

void AppendCall::OnWriteDone(bool ok) {
  {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    if (!ok) ack_.reset();  // Nobody reads any more; OnCancel says so too.
  }
  Advance();
}

void AppendCall::OnAck(const AppendAck& ack) {
  {
    absl::MutexLock lock(&mu_);
    ack_ = ack;
  }
  Advance();
}

void AppendCall::OnReady() {
  {
    absl::MutexLock lock(&mu_);
    if (session_ == nullptr) {
      ready_early_ = true;
      return;
    }
  }
  ReadNext(limits_->idle_append_max);
}

void AppendCall::OnDone(const absl::Status& status, const AppendAck& last) {
  end_timer_.Start(limits_->stall_max);
  {
    absl::MutexLock lock(&mu_);
    ended_ = refused_.ok() ? status : refused_;
    if (ended_->ok()) ack_ = last;
    if (cancelled_) ack_.reset();
  }
  Advance();
}

void AppendCall::Advance() {
  absl::Status status;
  bool finish = false;
  {
    absl::MutexLock lock(&mu_);
    if (writing_ || finished_) return;
    if (ack_.has_value()) {
      v1::AppendResponse message;
      *message.mutable_ack() = ToProto(*ack_);
      response_ = SerializeMessage(message);
      ack_.reset();
      writing_ = true;
    } else if (ended_.has_value()) {
      status = *ended_;
      finished_ = finish = true;
    } else {
      return;
    }
  }
  if (finish) return Finish(ToGrpcStatus(status));
  StartWrite(&response_);
}

}  // namespace oxbow
