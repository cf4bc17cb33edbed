#include "clients/cli/call_status.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace oxbow::cli {
namespace {

constexpr char kReason[] = "oxbow/reason";
constexpr char kExit[] = "oxbow/exit";

std::string PayloadOf(const absl::Status& status, absl::string_view key) {
  const absl::optional<absl::Cord> payload = status.GetPayload(key);
  return payload.has_value() ? std::string(*payload) : "";
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  // absl and gRPC number the codes alike.
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  details.ParseFromString(status.error_details());
  for (const auto& any : details.details()) {
    if (any.UnpackTo(&info)) {
      result.SetPayload(kReason, absl::Cord(info.reason()));
    }
  }
  return result;
}

absl::Status WithExit(absl::Status status, ExitCode exit_code) {
  status.SetPayload(kExit,
                    absl::Cord(absl::StrCat(static_cast<int>(exit_code))));
  return status;
}

absl::Status UsageFault(absl::string_view sentence) {
  return WithExit(absl::InvalidArgumentError(sentence), kExitUsage);
}

absl::Status DataFault(absl::string_view sentence) {
  return WithExit(absl::FailedPreconditionError(sentence), kExitData);
}

absl::Status InputFault(absl::string_view sentence) {
  return WithExit(absl::NotFoundError(sentence), kExitNoInput);
}

std::string ServerReason(const absl::Status& status) {
  return PayloadOf(status, kReason);
}

bool MayRetry(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return true;
    case absl::StatusCode::kResourceExhausted:
      // Without a reason it is gRPC's own: a message past a limit stays so.
      return !ServerReason(status).empty();
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      // gRPC's words for a connection that broke in the middle of a call. Our
      // server's own errors always have a reason.
      return ServerReason(status).empty() && PayloadOf(status, kExit).empty();
    default:
      return false;
  }
}

std::string Sentence(const absl::Status& status) {
  // The client's own faults are no gRPC codes.
  if (!PayloadOf(status, kExit).empty()) return std::string(status.message());
  const std::string reason = ServerReason(status);
  return absl::StrCat(absl::StatusCodeToString(status.code()),
                      reason.empty() ? "" : absl::StrCat(" (", reason, ")"),
                      ": ", status.message());
}

int ExitCodeOf(const absl::Status& status) {
  int code = 0;
  if (absl::SimpleAtoi(PayloadOf(status, kExit), &code)) return code;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kExitUnavailable;
    case absl::StatusCode::kResourceExhausted:
      return kExitTryAgain;
    default:
      return kExitRefused;
  }
}

}  // namespace oxbow::cli
