#include "engine/weights/weight_precision.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/types/optional.h"

namespace oxbow {
namespace {

// The square and the FFN matrices of a layer: nearly all of a model's numbers
// beside the embeddings and the head.
bool IsLayerMatrix(const std::string& name) {
  if (!absl::StartsWith(name, "blocks.")) return false;
  for (const char* end :
       {".att.receptance.weight", ".att.key.weight", ".att.value.weight",
        ".att.gate.weight", ".att.output.weight", ".ffn.key.weight",
        ".ffn.receptance.weight", ".ffn.value.weight"}) {
    if (absl::EndsWith(name, end)) return true;
  }
  return false;
}

double BitsOf(DType dtype) {
  return 8.0 * BytesPerBlock(dtype) / NumbersPerBlock(dtype);
}

// The dtype that a tensor of this name is worth; nothing: it stays.
absl::optional<DType> WorthOf(const std::string& name,
                              WeightPrecision precision) {
  const bool is_table = name == "emb.weight";
  if (!is_table && name != "head.weight" && !IsLayerMatrix(name)) return {};
  switch (precision) {
    case WeightPrecision::kAsStored:
      return {};
    case WeightPrecision::kInt8:
      return DType::kQ8_0;
    case WeightPrecision::kInt4:
      return is_table ? DType::kQ8_0 : DType::kQ4_0;
  }
  return {};
}

}  // namespace

DType KeptAs(const TensorEntry& entry, WeightPrecision precision) {
  const absl::optional<DType> worth = WorthOf(entry.name, precision);
  if (!worth.has_value()) return entry.dtype;
  const bool fits =
      entry.shape.size() == 2 && entry.shape[1] % NumbersPerBlock(*worth) == 0;
  // What has few bits already is not quantized a second time.
  const double bits = BitsOf(entry.dtype);
  return fits && bits >= 8 && bits > BitsOf(*worth) ? *worth : entry.dtype;
}

DType KeptAs(const TensorCatalog& catalog, const std::string& name,
             WeightPrecision precision) {
  const TensorEntry& entry = *catalog.Find(name);
  if (catalog.ReadsTransposed(name)) return entry.dtype;
  return KeptAs(entry, precision);
}

}  // namespace oxbow
