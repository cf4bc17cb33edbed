// What is stored of a generation that has an id.
#ifndef OXBOW_ENGINE_GENERATION_RECORD_H_
#define OXBOW_ENGINE_GENERATION_RECORD_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "engine/generated_result.h"
#include "engine/requests.h"

namespace oxbow {

// All that a generation's tokens depend on but model and log. Written before
// the first token is told.
struct GenerationRecord {
  // As it was first asked, without its id, `resume` and `cancelled`. nullopt:
  // an earlier release stored only the result.
  absl::optional<GenerateRequest> request;
  std::string numerics_id;  // of the model that drew the first token
  // Where it begins; tokens and branches too once it is kept.
  GeneratedResult result;

  bool kept() const { return !result.branches.empty(); }
};

// JSON: EncodeResult's object, with more in it.
std::string EncodeGeneration(const GenerationRecord& record);
// DataLoss if it is not such a text.
absl::StatusOr<GenerationRecord> DecodeGeneration(const std::string& encoded);

// Whether both ask for the same, ids, `resume` and `cancelled` aside.
bool AskTheSame(const GenerateRequest& a, const GenerateRequest& b);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_GENERATION_RECORD_H_
