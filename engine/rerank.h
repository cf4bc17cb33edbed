// Answers Rerank requests.
#ifndef OXBOW_ENGINE_RERANK_H_
#define OXBOW_ENGINE_RERANK_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "engine/engine.h"
#include "engine/engine_context.h"
#include "engine/operation.h"
#include "engine/requests.h"
#include "engine/stream_table.h"

namespace oxbow {

// InvalidArgument, FailedPrecondition/NO_RERANKER, /NO_TOKENIZER: what cannot
// be reranked here, in a sentence.
absl::Status CheckRerank(const EngineContext& context,
                         const RerankRequest& request);

// On a copy of the embedder's state at each point, with the text still open,
// reads a line end if the document ends without one, the query, and the
// end-of-text token; then the reranker scores the copies. All of a request that
// passed CheckRerank(). `streams` must outlive the operation.
void RunRerank(std::shared_ptr<Operation> operation, StreamTable* streams,
               RerankRequest request, Callback<RerankReply> done);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_RERANK_H_
