// What went wrong, as one sentence and an exit code.
#ifndef OXBOW_CLIENTS_CLI_CALL_STATUS_H_
#define OXBOW_CLIENTS_CLI_CALL_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/support/status.h"

namespace oxbow::cli {

// oxbow's exit codes, after sysexits.h.
enum ExitCode : int {
  kExitOk = 0,
  kExitRefused = 1,       // the server refused the request
  kExitUsage = 64,        // the command line, or the text given, is wrong
  kExitData = 65,         // a document and a stream do not go together
  kExitNoInput = 66,      // a file cannot be read
  kExitUnavailable = 69,  // the server cannot be reached, or is going down
  kExitTryAgain = 75,     // the server is full: try again later
};

// A call's status, with its google.rpc reason kept.
absl::Status FromGrpc(const grpc::Status& status);

// The client's own faults; each has its exit code.
absl::Status UsageFault(absl::string_view sentence);
absl::Status DataFault(absl::string_view sentence);
absl::Status InputFault(absl::string_view sentence);

// The same status, told as the client's own fault with this exit code.
absl::Status WithExit(absl::Status status, ExitCode exit_code);

// The server's reason, such as "OFFSET_GAP"; "" if there is none.
std::string ServerReason(const absl::Status& status);

// True if the same call may succeed later: the server is away, going down or
// full, or the connection broke. A server's own error of another kind never.
bool MayRetry(const absl::Status& status);

// "OUT_OF_RANGE (OFFSET_GAP): the chunk begins at 17 ..."
std::string Sentence(const absl::Status& status);

int ExitCodeOf(const absl::Status& status);

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_CALL_STATUS_H_
