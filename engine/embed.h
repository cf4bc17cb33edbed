// Embed: one vector of a point, a span or a text.
#ifndef OXBOW_ENGINE_EMBED_H_
#define OXBOW_ENGINE_EMBED_H_

#include <memory>

#include "absl/status/status.h"
#include "engine/engine.h"
#include "engine/operation.h"
#include "engine/requests.h"

namespace oxbow {

// InvalidArgument, FailedPrecondition/NO_EMBEDDER, /NO_TOKENIZER: what cannot
// be embedded here, in a sentence.
absl::Status CheckEmbed(const EngineContext& context,
                        const EmbedRequest& request);

// kLast: the hidden row of the last token. kMean: the mean of the hidden rows
// of the tokens whose last byte lies in [from_byte, point). kHead: a trained
// head over the end-of-text token, read behind the point on a scratch copy;
// with from_byte, the span's text alone is read. All of a request that passed
// CheckEmbed().
void RunEmbed(std::shared_ptr<Operation> operation, EmbedRequest request,
              Callback<EmbedReply> done);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_EMBED_H_
