#include "engine/weights/naming.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace oxbow {
namespace {

const Naming kBlinkDlNaming = {"BlinkDL's names", "emb.weight", {}, true};

// Schemes that are not read, by a tensor of theirs.
struct UnreadNaming {
  absl::string_view marker;
  absl::string_view what;
};
constexpr UnreadNaming kUnread[] = {
    {"model.embeddings.weight",
     "a model under Hugging Face's names (fla) that is no RWKV-7"},
};

}  // namespace

absl::StatusOr<const Naming*> RecognizeNaming(
    absl::Span<const TensorEntry> entries) {
  absl::flat_hash_set<absl::string_view> names;
  for (const TensorEntry& entry : entries) names.insert(entry.name);
  for (const Naming* naming : {&kFlaNaming7, &kGgufNaming6, &kGgufNaming7,
                               &kRwkvCppNaming6, &kRwkvCppNaming7}) {
    if (names.contains(naming->marker)) return naming;
  }
  for (const UnreadNaming& unread : kUnread) {
    if (names.contains(unread.marker)) {
      return absl::UnimplementedError(
          absl::StrCat(unread.what, ", by its tensor ", unread.marker,
                       "; Oxbow does not read it"));
    }
  }
  return &kBlinkDlNaming;
}

}  // namespace oxbow
