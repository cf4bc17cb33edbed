// Generate: continuations from any point, in branches, kept or not.
#ifndef OXBOW_ENGINE_GENERATE_H_
#define OXBOW_ENGINE_GENERATE_H_

#include <memory>

#include "engine/engine.h"
#include "engine/operation.h"
#include "engine/requests.h"

namespace oxbow {

// Runs a request that passed CheckGenerate(). With keep_as, the names must be
// free (AlreadyExists/STREAM_EXISTS before the first token). With commit:
// Aborted/OFFSET_MOVED if the stream's head is not, or no longer, where it was
// expected; Aborted/STALE_EPOCH if a writer took the stream over meanwhile.
// A repeated request_id gives the first result again.
void RunGenerate(std::shared_ptr<Operation> operation, GenerateRequest request,
                 GenerateObserver* observer);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_GENERATE_H_
