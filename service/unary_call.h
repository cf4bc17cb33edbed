// One unary call: from bytes to an answer of the engine.
#ifndef OXBOW_SERVICE_UNARY_CALL_H_
#define OXBOW_SERVICE_UNARY_CALL_H_

#include <atomic>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "engine/engine.h"
#include "google/protobuf/empty.pb.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "service/call_time.h"
#include "service/message_bytes.h"
#include "service/to_grpc_status.h"

namespace oxbow {

// Must be finished exactly once, by Answer or Fail, from any thread; neither
// the call nor the response may be touched afterwards. A callback made by
// Done() does so when the engine calls it, which the engine does exactly once.
//
// Owned by gRPC from construction; deletes itself in OnDone().
class UnaryCall : public grpc::ServerUnaryReactor {
 public:
  explicit UnaryCall(grpc::ByteBuffer* response)
      : response_(response),
        cancelled_(std::make_shared<std::atomic<bool>>(false)) {}

  // Set when the client is gone or the call has taken too long.
  const CancelFlag& cancelled() const { return cancelled_; }

  // From now on ServerLimits::request_max counts. For calls that look at
  // cancelled(); at most once.
  void LimitTime(const CallTime& time) {
    limits_ = time.limits;
    timer_.emplace(time.timers, [this] {
      is_late_ = true;
      *cancelled_ = true;
    });
    timer_->Start(limits_->request_max);
  }

  void Answer(const google::protobuf::Message& message) {
    *response_ = SerializeMessage(message);
    Finish(grpc::Status::OK);
  }
  void Fail(const absl::Status& status) {
    const bool is_late = is_late_ && absl::IsCancelled(status);
    Finish(ToGrpcStatus(is_late ? RequestTooLong(*limits_) : status));
  }

  // Answers with `to_message` of the reply, or fails with its status.
  template <typename Reply, typename ToMessage>
  Callback<Reply> Done(ToMessage to_message) {
    return [this, to_message](absl::StatusOr<Reply> reply) {
      if (!reply.ok()) return Fail(reply.status());
      Answer(to_message(*reply));
    };
  }

 private:
  void OnCancel() override { *cancelled_ = true; }
  void OnDone() override { delete this; }

  grpc::ByteBuffer* const response_;  // gRPC's; lives until OnDone()
  const CancelFlag cancelled_;
  const ServerLimits* limits_ = nullptr;
  std::atomic<bool> is_late_{false};
  absl::optional<CallTimer> timer_;
};

// Parses the request and runs `start(message, call)`. If that returns an
// error, nothing was asked of the engine and the call fails with it.
template <typename Message, typename Start>
UnaryCall* StartUnaryCall(const grpc::ByteBuffer* request,
                          grpc::ByteBuffer* response, Start start) {
  auto* call = new UnaryCall(response);
  Message message;
  absl::Status status = ParseMessage(*request, &message);
  if (status.ok()) status = start(message, call);
  if (!status.ok()) call->Fail(status);
  return call;
}

}  // namespace oxbow

#endif  // OXBOW_SERVICE_UNARY_CALL_H_
