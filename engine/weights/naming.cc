#include "engine/weights/naming.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace oxbow {
namespace {

using EntriesByName =
    absl::flat_hash_map<absl::string_view, const TensorEntry*>;

const Naming kBlinkDlNaming = {"BlinkDL's names", "emb.weight", {}, true};

const Naming* const kMarkedNamings[] = {
    &kFlaNaming7,     &kGgufNaming6,    &kGgufNaming7,   &kHfNaming,
    &kWebRwkvNaming6, &kRwkvCppNaming6, &kRwkvCppNaming7};

// Schemes that are not read, by a tensor of theirs.
struct UnreadNaming {
  absl::string_view marker;
  absl::string_view what;
};
constexpr UnreadNaming kUnread[] = {
    // Its group norm's epsilon is 64e-5 in converted models and 1e-5 in others,
    // and no file says which.
    {"model.layers.0.attn.x_bias",
     "an RWKV-6 model under Hugging Face's (fla) names"},
    {"model.embeddings.weight",
     "a model under Hugging Face's (fla) names that is no RWKV-7"},
    {"model.embed_tokens.weight",
     "a model under Hugging Face's names that is no RWKV, or a hybrid of it"},
    {"token_embd.weight", "a GGUF model that is no RWKV-6 or RWKV-7"},
};

// RWKV-5.2 with its bonus as time_first: two dimensions more than 1 each.
// BlinkDL's files call such a bonus time_faaaa; in a torch file of somebody
// else's, time_first is what his loader takes it for, the bonus's logarithm.
bool IsWebRwkv5(const EntriesByName& entries, const SourceFacts& facts) {
  if (!facts.is_safetensors) return false;
  if (!entries.contains("blocks.0.att.ln_x.weight")) return false;
  for (const char* name :
       {"blocks.0.att.time_first", "blocks.0.att.time_decay"}) {
    const auto found = entries.find(name);
    if (found == entries.end()) return false;
    const std::vector<int64_t>& shape = found->second->shape;
    if (shape.size() != 2 || shape[0] < 2 || shape[1] < 2) return false;
  }
  return true;
}

// RWKV-7 with its low-rank matrices transposed. If every one is square, the
// name of the file decides.
bool IsWebRwkv7(absl::Span<const TensorEntry> entries,
                const SourceFacts& facts) {
  const int64_t width = WidthOf(entries);
  bool any_straight = false;
  for (const TensorEntry& entry : entries) {
    for (const NameRule& rule : kWebRwkvNaming7.rules) {
      const absl::string_view suffix = rule.file.substr(rule.file.find(".att"));
      if (!absl::EndsWith(entry.name, suffix)) continue;
      const Turn turn = TurnOf(rule.storage, entry.shape, width);
      if (turn == Turn::kTurned) return true;
      any_straight |= turn == Turn::kStraight;
    }
  }
  return facts.is_named_st && !any_straight;
}

}  // namespace

int64_t WidthOf(absl::Span<const TensorEntry> entries) {
  for (const TensorEntry& entry : entries) {
    if (entry.name == "emb.weight" || entry.name == "rwkv.emb.weight") {
      return entry.shape.back();
    }
  }
  return 0;
}

Turn TurnOf(Storage storage, absl::Span<const int64_t> shape, int64_t width) {
  const bool is_down = storage == Storage::kDownTurned;
  if ((!is_down && storage != Storage::kUpTurned) || shape.size() < 2) {
    return Turn::kEither;
  }
  const bool before_last = shape[shape.size() - 2] == width;
  const bool last = shape.back() == width;
  if (before_last == last) return Turn::kEither;
  return before_last == is_down ? Turn::kStraight : Turn::kTurned;
}

absl::StatusOr<const Naming*> RecognizeNaming(
    absl::Span<const TensorEntry> entries, const SourceFacts& facts) {
  if (facts.is_canonical) return &kBlinkDlNaming;
  EntriesByName by_name;
  for (const TensorEntry& entry : entries) by_name[entry.name] = &entry;
  for (const Naming* naming : kMarkedNamings) {
    if (by_name.contains(naming->marker)) return naming;
  }
  for (const UnreadNaming& unread : kUnread) {
    if (by_name.contains(unread.marker)) {
      return absl::UnimplementedError(
          absl::StrCat(unread.what, ", by its tensor ", unread.marker,
                       "; Oxbow does not read it"));
    }
  }
  if (IsWebRwkv5(by_name, facts)) return &kWebRwkvNaming5;
  if (by_name.contains("blocks.0.att.r_k") && IsWebRwkv7(entries, facts)) {
    return &kWebRwkvNaming7;
  }
  return &kBlinkDlNaming;
}

}  // namespace oxbow
