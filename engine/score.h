// Score: the log-probability of texts behind a point.
#ifndef OXBOW_ENGINE_SCORE_H_
#define OXBOW_ENGINE_SCORE_H_

#include <memory>

#include "absl/status/status.h"
#include "engine/engine.h"
#include "engine/operation.h"
#include "engine/requests.h"

namespace oxbow {

absl::Status CheckScore(const EngineContext& context,
                        const ScoreRequest& request);

// Each text starts after a seam, from the same point, on a copy of its state.
// Of a request that passed CheckScore(). FailedPrecondition/EMPTY_STREAM: no
// token before it, and the vocabulary has no end of document to stand there.
void RunScore(std::shared_ptr<Operation> operation, ScoreRequest request,
              Callback<ScoreReply> done);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_SCORE_H_
