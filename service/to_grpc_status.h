// The one conversion from our statuses to gRPC's.
#ifndef OXBOW_SERVICE_TO_GRPC_STATUS_H_
#define OXBOW_SERVICE_TO_GRPC_STATUS_H_

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace oxbow {

// The same code and message, with a google.rpc.Status in the details:
//   ErrorInfo   always: the reason (or, if it has none, the code's name),
//               domain "oxbow", and the status's facts as metadata
//   RetryInfo   for ResourceExhausted and Unavailable: the fact
//               "retry_delay_ms", or one second
//   BadRequest  if there is a fact "field"
// Whatever the status holds, the result fits the 8 KiB of metadata that gRPC
// clients accept, and is printable: a status may quote hostile input.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace oxbow

#endif  // OXBOW_SERVICE_TO_GRPC_STATUS_H_
