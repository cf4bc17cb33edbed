#include "service/generate_call.h"

#include <utility>

#include "base/status_macros.h"
#include "service/message_bytes.h"
#include "service/to_grpc_status.h"
#include "service/to_proto.h"

namespace oxbow {

GenerateCall::GenerateCall(Engine* engine, const RequestRules* rules,
                           SendThread* sender, const grpc::ByteBuffer& request)
    : sender_(sender), cancelled_(std::make_shared<std::atomic<bool>>(false)) {
  const absl::Status status = Start(engine, *rules, request);
  // Nothing was asked of the engine: it will not call OnDone.
  if (!status.ok()) OnDone(status);
}

absl::Status GenerateCall::Start(Engine* engine, const RequestRules& rules,
                                 const grpc::ByteBuffer& bytes) {
  v1::GenerateRequest message;
  RETURN_IF_ERROR(ParseMessage(bytes, &message));
  ASSIGN_OR_RETURN(GenerateRequest request, FromProto(message, rules));
  request.cancelled = cancelled_;
  engine->Generate(std::move(request), this);
  return absl::OkStatus();
}

void GenerateCall::OnStart(const Point& point) {
  v1::GenerateResponse message;
  *message.mutable_start() = ToProto(point);
  Push(message);
}

void GenerateCall::OnToken(const GeneratedToken& token) {
  v1::GenerateResponse message;
  *message.mutable_token() = ToProto(token);
  Push(message);
}

void GenerateCall::OnBranch(const FinishedBranch& branch) {
  v1::GenerateResponse message;
  *message.mutable_finished() = ToProto(branch);
  Push(message);
}

void GenerateCall::OnDone(const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  ended_ = status;
  PostAdvance();
}

void GenerateCall::OnCancel() {
  *cancelled_ = true;
  absl::MutexLock lock(&mu_);
  queue_.clear();
}

void GenerateCall::OnWriteDone(bool ok) {
  if (!ok) *cancelled_ = true;  // Nobody reads any more.
  {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    if (!ok) queue_.clear();
  }
  Advance();
}

void GenerateCall::Push(const v1::GenerateResponse& message) {
  if (*cancelled_) return;
  grpc::ByteBuffer bytes = SerializeMessage(message);
  absl::MutexLock lock(&mu_);
  queue_.push_back(std::move(bytes));
  PostAdvance();
}

void GenerateCall::PostAdvance() {
  // After a write, gRPC's thread advances.
  if (posted_ || writing_) return;
  posted_ = true;
  sender_->Post([this] {
    {
      absl::MutexLock lock(&mu_);
      posted_ = false;
    }
    Advance();
  });
}

void GenerateCall::Advance() {
  absl::Status status;
  bool finish = false;
  {
    absl::MutexLock lock(&mu_);
    if (posted_ || writing_ || finished_) return;
    if (!queue_.empty()) {
      response_ = queue_.front();
      queue_.pop_front();
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
