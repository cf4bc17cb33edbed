// The result of a generation that was kept, as stored for a repeated request.
#ifndef OXBOW_ENGINE_GENERATED_RESULT_H_
#define OXBOW_ENGINE_GENERATED_RESULT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/requests.h"

namespace oxbow {

struct GeneratedResult {
  Point point;
  std::vector<GeneratedToken> tokens;  // of all branches; without `top`
  std::vector<FinishedBranch> branches;
};

// JSON, text as hexadecimal bytes.
std::string EncodeResult(const GeneratedResult& result);
// DataLoss if it is not such a text.
absl::StatusOr<GeneratedResult> DecodeResult(const std::string& encoded);

// How a record's ids were drawn, for the log: JSON.
std::string EncodeProvenance(const GenerateRequest& request, int branch);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_GENERATED_RESULT_H_
