#include "service/generate_call.h"

#include <utility>

#include "base/status_macros.h"
#include "service/message_bytes.h"
#include "service/to_grpc_status.h"
#include "service/to_proto.h"

namespace oxbow {
namespace {

const absl::Duration kSoon = absl::Milliseconds(1);

// What a message in the queue takes, its wrappings about so much.
int64_t SizeOf(const grpc::ByteBuffer& message) {
  return static_cast<int64_t>(message.Length()) + 100;
}

}  // namespace

GenerateCall::GenerateCall(Engine* engine, const RequestRules* rules,
                           SendThread* sender, std::atomic<int64_t>* unread,
                           const CallTime& time,
                           const grpc::ByteBuffer& request)
    : sender_(sender),
      unread_(unread),
      limits_(time.limits),
      cancelled_(std::make_shared<std::atomic<bool>>(false)),
      stall_(time.timers, [this, time] { Cut(time.context, WhyStalled()); }),
      whole_(time.timers, [this] {
        is_late_ = true;
        *cancelled_ = true;
      }) {
  whole_.Start(limits_->request_max);
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
  ended_ = Verdict(status);
  PostAdvance();
}

void GenerateCall::OnCancel() {
  *cancelled_ = true;
  absl::MutexLock lock(&mu_);
  DropQueue();
}

void GenerateCall::CountQueued(int64_t bytes) {
  queued_bytes_ += bytes;
  *unread_ += bytes;
}

void GenerateCall::DropQueue() {
  queue_.clear();
  CountQueued(-queued_bytes_);
}

absl::Status GenerateCall::WhyStalled() {
  absl::MutexLock lock(&mu_);
  return is_unread_ ? AnswerUnread() : ReaderStalled(*limits_);
}

absl::Status GenerateCall::Verdict(const absl::Status& status) const {
  // Even OK: some of the answer was dropped.
  if (is_unread_) return AnswerUnread();
  return is_late_ && absl::IsCancelled(status) ? RequestTooLong(*limits_)
                                               : status;
}

void GenerateCall::OnWriteDone(bool ok) {
  stall_.Stop();
  if (!ok) *cancelled_ = true;  // Nobody reads any more.
  {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    if (!ok) DropQueue();
  }
  Advance();
}

void GenerateCall::Push(const v1::GenerateResponse& message) {
  if (*cancelled_) return;
  grpc::ByteBuffer bytes = SerializeMessage(message);
  absl::MutexLock lock(&mu_);
  CountQueued(SizeOf(bytes));
  queue_.push_back(std::move(bytes));
  if (*unread_ > kUnreadBytesMax && queued_bytes_ > kUnreadBytesOfCallMax) {
    is_unread_ = true;
    *cancelled_ = true;
    DropQueue();
    // The write in flight may never end.
    stall_.Start(kSoon);
  }
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
      CountQueued(-SizeOf(response_));
      queue_.pop_front();
      writing_ = true;
      stall_.Start(limits_->stall_max);
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
