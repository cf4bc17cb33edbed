#include "service/call_time.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "engine/error_reason.h"
#include "grpc/grpc.h"
#include "service/to_grpc_status.h"

namespace oxbow {

absl::Status FirstMessageLate(const ServerLimits& limits) {
  return WithReason(
      absl::DeadlineExceededError(absl::StrCat(
          "the call's first message did not come within ",
          absl::FormatDuration(limits.first_message_max), " of its beginning")),
      "FIRST_MESSAGE_LATE");
}

absl::Status AppendIdle(const ServerLimits& limits) {
  return WithReason(
      absl::UnavailableError(absl::StrCat(
          "no whole message came for ",
          absl::FormatDuration(limits.idle_append_max),
          ": open another call when there is more; all that was acknowledged "
          "is kept")),
      "IDLE");
}

absl::Status SenderStalled(const ServerLimits& limits) {
  return WithReason(
      absl::DeadlineExceededError(absl::StrCat(
          "the next message of the state file did not come within ",
          absl::FormatDuration(limits.stall_max), "; nothing was imported")),
      "STALLED");
}

absl::Status ReaderStalled(const ServerLimits& limits) {
  return WithReason(absl::DeadlineExceededError(absl::StrCat(
                        "the client took no message of the answer for ",
                        absl::FormatDuration(limits.stall_max))),
                    "STALLED");
}

absl::Status AnswerUnread() {
  return WithReason(
      absl::DeadlineExceededError(absl::StrCat(
          "the client left more than ", kUnreadBytesOfCallMax,
          " bytes of the answer unread while others did likewise: it must read "
          "faster, or ask for less")),
      "UNREAD");
}

absl::Status RequestTooLong(const ServerLimits& limits) {
  return WithReason(
      absl::DeadlineExceededError(absl::StrCat(
          "the request took longer than ",
          absl::FormatDuration(limits.request_max), ": ask for less at once")),
      "REQUEST_TOO_LONG");
}

void Cut(grpc::CallbackServerContext* context, const absl::Status& status) {
  // gRPC's own way cancels without code or words.
  const grpc::Status told = ToGrpcStatus(status);
  grpc_call_cancel_with_status(context->c_call(),
                               static_cast<grpc_status_code>(told.error_code()),
                               told.error_message().c_str(), nullptr);
}

}  // namespace oxbow
