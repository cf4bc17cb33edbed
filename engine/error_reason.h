// A status with a machine-readable reason, as google.rpc.ErrorInfo has it.
// The service turns it into that message; the engine knows no proto.
#ifndef OXBOW_ENGINE_ERROR_REASON_H_
#define OXBOW_ENGINE_ERROR_REASON_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace oxbow {

// `status` with a reason ("OFFSET_GAP") and facts for programs
// ({"expected_byte_offset", "17"}). The reasons are listed in docs/errors.md.
absl::Status WithReason(absl::Status status, absl::string_view reason,
                        const std::map<std::string, std::string>& facts = {});

// "" if the status carries none.
std::string ReasonOf(const absl::Status& status);

// Empty if the status carries none.
std::map<std::string, std::string> FactsOf(const absl::Status& status);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_ERROR_REASON_H_
