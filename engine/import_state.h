// A stream that begins with a state made elsewhere.
#ifndef OXBOW_ENGINE_IMPORT_STATE_H_
#define OXBOW_ENGINE_IMPORT_STATE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/engine_context.h"
#include "engine/reader.h"
#include "engine/requests.h"
#include "engine/state_file.h"
#include "store/records.h"

namespace oxbow {

// The file's contents, if it is one that this generator can go on from.
// InvalidArgument/BAD_STATE_FILE; FailedPrecondition/MODEL_MISMATCH: another
// model's. Takes a slot for a moment: ResourceExhausted/NO_STATE_SLOT. Engine
// thread.
absl::StatusOr<StateFile> CheckStateFile(Reader& generator,
                                         absl::string_view bytes);

// Stores the stream: the state as the checkpoint of a uid of its own, which is
// the stream's one ancestor; undecided text as the first record of its log.
// Found again by `file_digest` and what `create` says. Blocks on the store.
absl::StatusOr<StreamRecord> ImportOrFind(const EngineContext& context,
                                          const CreateStreamRequest& create,
                                          const StateFile& file,
                                          const Digest& file_digest);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_IMPORT_STATE_H_
