// Generate: continuations from any point, in branches, kept or not.
#ifndef OXBOW_ENGINE_GENERATE_H_
#define OXBOW_ENGINE_GENERATE_H_

#include <memory>

#include "engine/engine.h"
#include "engine/generation_table.h"
#include "engine/operation.h"
#include "engine/requests.h"

namespace oxbow {

// Runs a request that passed CheckGenerate(). With keep_as, the names must be
// free (AlreadyExists/STREAM_EXISTS before the first token). With commit:
// Aborted/OFFSET_MOVED if the stream's head is not, or no longer, where it was
// expected; Aborted/STALE_EPOCH if a writer took the stream over meanwhile.
//
// With a request_id, point and parameters are stored before the first token is
// told, and a later call with the id makes the same tokens from there: they
// depend on nothing else. What was kept is not kept again. NotFound/
// NO_GENERATION: nothing to resume. AlreadyExists/GENERATION_EXISTS: the id's
// generation was asked otherwise. FailedPrecondition/MODEL_MISMATCH: it was
// begun with another numerics id. Aborted/STALE_EPOCH: a newer call took it
// over. The table must outlive the request.
void RunGenerate(std::shared_ptr<Operation> operation, GenerationTable* table,
                 GenerateRequest request, GenerateObserver* observer);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_GENERATE_H_
