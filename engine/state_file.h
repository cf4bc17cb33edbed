// The portable state file: a point of a stream, to be gone on from anywhere.
// Byte by byte in docs/state_format.md.
#ifndef OXBOW_ENGINE_STATE_FILE_H_
#define OXBOW_ENGINE_STATE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/sha256.h"
#include "store/records.h"

namespace oxbow {

// Everything a stream's future depends on, and nothing of its text but what is
// still undecided.
struct StateFile {
  Digest model_id{};  // weights and tokenizer
  std::string layout_id;
  std::string numerics_id;
  uint64_t token_offset = 0;  // tokens read
  Position position;          // where the last of them ends
  Digest id_chain{};          // of their ids
  // Text behind `position` whose tokens a next byte could still change.
  std::string undecided;
  std::string state;  // as Model::ReadState gives it
};

// Bytes a file takes besides the state and the undecided text, at most.
constexpr size_t kStateFileOverheadMax = 4096;
// Undecided text at most: no tokenizer holds back more.
constexpr size_t kUndecidedBytesMax = 64 << 10;

// The digest of the state: what GetStream and Checkpoint tell, too.
Digest StateDigest(const StateFile& file);

std::string EncodeStateFile(const StateFile& file);

// InvalidArgument: no state file, of a later version, damaged, or its sizes
// are not those of `bytes`. Checks digests, not whether any model fits.
absl::StatusOr<StateFile> DecodeStateFile(absl::string_view bytes);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_STATE_FILE_H_
