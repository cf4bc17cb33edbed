// Texts and token ids as they are given on the command line.
#ifndef OXBOW_CLIENTS_CLI_TEXT_ARGUMENT_H_
#define OXBOW_CLIENTS_CLI_TEXT_ARGUMENT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/command.h"

namespace oxbow::cli {

// The argument itself, or all of standard input if it is "-".
absl::StatusOr<std::string> ReadArgument(const Session& session,
                                         const std::string& argument);

// Ids separated by white space. UsageFault names the first that is none.
absl::StatusOr<std::vector<int>> ParseIds(absl::string_view text);

// Up to `bytes_max` bytes; fewer when a pipe has no more yet; "" at the end.
absl::StatusOr<std::string> ReadSome(int fd, size_t bytes_max);

// A point given by --at-byte or --at-token; -1: not given. The head if
// neither is.
v1::At MakeAt(int64_t at_byte, int64_t at_token);

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_TEXT_ARGUMENT_H_
