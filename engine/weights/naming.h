// The ways RWKV's tensors are named and stored, besides BlinkDL's own.
#ifndef OXBOW_ENGINE_WEIGHTS_NAMING_H_
#define OXBOW_ENGINE_WEIGHTS_NAMING_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// How a file's tensor holds the numbers of a canonical one.
enum class Storage {
  kSame,
  // The last two dimensions the other way round.
  kTransposed,
  // Transposed or not, as the place of D shows; transposed if both sizes are
  // D. The canonical shape is [..,D,rank], or [..,rank,D].
  kDownTurned,
  kUpTurned,
  // One of so many parts, along the first dimension.
  kPart,
  // [H,S] as [D]; the file says S elsewhere.
  kFlatHeads,
  // Divided by 2^(layer / rescale_every).
  kDivided,
  // In the file for its format's sake; no model uses it.
  kIgnored,
};

// From one tensor to one canonical tensor. "#" is the layer's number. A tensor
// that holds several canonical ones has several rules.
struct NameRule {
  absl::string_view file;
  absl::string_view canonical;
  Storage storage = Storage::kSame;
  int part = 0;
  int parts = 1;
};

// A scheme: all names its models may have. Lives forever.
struct Naming {
  // "Hugging Face's (fla) names for RWKV-7".
  absl::string_view title;
  // A tensor that every file under this scheme has, and none under another;
  // empty if shapes tell it.
  absl::string_view marker;
  absl::Span<const NameRule> rules;
  // Names without a rule are canonical as they are. Otherwise refused.
  bool others_are_canonical = false;
};

// What a shape tells of a matrix that is kDownTurned or kUpTurned, in a model
// of this width.
enum class Turn { kStraight, kTurned, kEither };
Turn TurnOf(Storage storage, absl::Span<const int64_t> shape, int64_t width);

// The last dimension of emb.weight; 0 if there is none.
int64_t WidthOf(absl::Span<const TensorEntry> entries);

// The scheme of these tensors; BlinkDL's, if it is no other. Unimplemented, by
// name, for schemes that are known and not read.
absl::StatusOr<const Naming*> RecognizeNaming(
    absl::Span<const TensorEntry> entries, const SourceFacts& facts);

// The schemes, each in a file of its own. docs/weights.md has them side by
// side, with their sources.
extern const Naming kFlaNaming7;
extern const Naming kGgufNaming6;
extern const Naming kGgufNaming7;
extern const Naming kRwkvCppNaming6;
extern const Naming kRwkvCppNaming7;
extern const Naming kHfNaming;
extern const Naming kWebRwkvNaming5;
extern const Naming kWebRwkvNaming6;
extern const Naming kWebRwkvNaming7;

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_NAMING_H_
