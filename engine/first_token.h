// What stands before the first token of an empty stream.
#ifndef OXBOW_ENGINE_FIRST_TOKEN_H_
#define OXBOW_ENGINE_FIRST_TOKEN_H_

#include "absl/status/statusor.h"
#include "engine/error_reason.h"
#include "engine/tokenizer/tokenizer.h"

namespace oxbow {

// The end-of-document id. FailedPrecondition/EMPTY_STREAM if the vocabulary
// has none.
inline absl::StatusOr<int> FirstToken(const Tokenizer& tokenizer) {
  if (tokenizer.end_of_document() >= 0) return tokenizer.end_of_document();
  return WithReason(
      absl::FailedPreconditionError(
          "nothing can follow an empty stream: its vocabulary has no "
          "end-of-document token to begin with; append or prompt something"),
      "EMPTY_STREAM");
}

}  // namespace oxbow

#endif  // OXBOW_ENGINE_FIRST_TOKEN_H_
