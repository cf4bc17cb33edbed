#include "engine/weights/check_facts.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

constexpr double kNormEps = 1e-5;
// Files hold it in fp32, or as few decimals.
constexpr double kNormEpsError = 1e-8;

// A dimension of a tensor and the fact that names it too.
struct Pair {
  const char* what;
  absl::optional<int64_t> SourceFacts::*fact;
  const char* tensor;
  size_t dimension;
};

constexpr Pair kPairs[] = {
    {"tokens", &SourceFacts::vocabulary_size, "emb.weight", 0},
    {"channels", &SourceFacts::width, "emb.weight", 1},
    {"FFN channels", &SourceFacts::ffn_width, "blocks.0.ffn.key.weight", 0},
    {"channels a head", &SourceFacts::head_size, "blocks.0.att.r_k", 1},
    {"channels a head", &SourceFacts::head_size, "blocks.0.att.time_faaaa", 1},
};

absl::Status CheckPair(const Pair& pair, const SourceFacts& facts,
                       const FindTensor& find) {
  const absl::optional<int64_t>& said = facts.*pair.fact;
  const TensorEntry* const tensor = find(pair.tensor);
  if (!said.has_value() || tensor == nullptr ||
      tensor->shape.size() <= pair.dimension ||
      tensor->shape[pair.dimension] == *said) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(pair.tensor, ": has shape ", ShapeText(tensor->shape), ", ",
                   facts.from, " says ", *said, " ", pair.what));
}

absl::Status CheckLayers(const SourceFacts& facts, const FindTensor& find) {
  int64_t layers = 0;
  while (find(absl::StrCat("blocks.", layers, ".ln1.weight"))) ++layers;
  if (facts.layers.value_or(layers) == layers) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(facts.from, " says ", *facts.layers,
                   " layers, its tensors are of ", layers));
}

}  // namespace

absl::Status CheckFacts(const SourceFacts& facts, const FindTensor& find) {
  for (const Pair& pair : kPairs) {
    RETURN_IF_ERROR(CheckPair(pair, facts, find));
  }
  RETURN_IF_ERROR(CheckLayers(facts, find));
  // Not "greater": NaN is no epsilon either.
  if (facts.norm_eps.has_value() &&
      !(std::fabs(*facts.norm_eps - kNormEps) <= kNormEpsError)) {
    return absl::UnimplementedError(
        absl::StrCat(facts.from, " says LayerNorms have an epsilon of ",
                     *facts.norm_eps, "; Oxbow computes ", kNormEps));
  }
  return absl::OkStatus();
}

}  // namespace oxbow
