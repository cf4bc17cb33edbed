// What a call that takes too long is told, and how it ends.
#ifndef OXBOW_SERVICE_CALL_TIME_H_
#define OXBOW_SERVICE_CALL_TIME_H_

#include "absl/status/status.h"
#include "grpcpp/server_context.h"
#include "service/call_timers.h"
#include "service/server_limits.h"

namespace oxbow {

// What a call needs to keep its limits of time. All borrowed, for as long as
// the call lives.
struct CallTime {
  CallTimers* timers = nullptr;
  const ServerLimits* limits = nullptr;
  grpc::CallbackServerContext* context = nullptr;
};

// DeadlineExceeded/FIRST_MESSAGE_LATE.
absl::Status FirstMessageLate(const ServerLimits& limits);
// Unavailable/IDLE: nothing is wrong, and coming back later helps.
absl::Status AppendIdle(const ServerLimits& limits);
// DeadlineExceeded/STALLED: of a client that sends, and of one that reads.
absl::Status SenderStalled(const ServerLimits& limits);
absl::Status ReaderStalled(const ServerLimits& limits);
// DeadlineExceeded/UNREAD: answers wait, this one among the longest.
absl::Status AnswerUnread();
// DeadlineExceeded/REQUEST_TOO_LONG.
absl::Status RequestTooLong(const ServerLimits& limits);

// Ends a call at once though a write of it waits for the client, which is
// told code and sentence, without details.
void Cut(grpc::CallbackServerContext* context, const absl::Status& status);

}  // namespace oxbow

#endif  // OXBOW_SERVICE_CALL_TIME_H_
