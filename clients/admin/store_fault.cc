#include "clients/admin/command.h"
#include "clients/cli/call_status.h"

namespace oxbow::admin {

absl::Status StoreFault(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return status;
    case absl::StatusCode::kDataLoss:
      return WithExit(status, cli::kExitData);
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
      return WithExit(status, cli::kExitNoInput);
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
      return WithExit(status, cli::kExitTryAgain);
    default:
      return WithExit(status, cli::kExitRefused);
  }
}

}  // namespace oxbow::admin
