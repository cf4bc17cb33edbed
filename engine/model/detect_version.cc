#include "engine/model/detect_version.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

constexpr int kLayersMax = 256;
constexpr int kWidthMax = 1 << 15;
constexpr int kVocabularyMax = 1 << 20;

// Relatives of RWKV-7 that compute something else, by a tensor only they have.
struct Relative {
  const char* part_of_name;
  const char* what;
};
constexpr Relative kRelatives[] = {
    {".ffn.s_emb", "RWKV-7a (DeepEmbed)"},
    {".ffn.enn.", "RWKV-8"},
    {".att.qq", "RWKV-7b (with attention)"},
};

absl::Status CheckRelatives(const TensorCatalog& catalog) {
  for (const auto& [name, stored] : catalog.names()) {
    for (const Relative& relative : kRelatives) {
      if (absl::StrContains(name, relative.part_of_name)) {
        return absl::UnimplementedError(
            absl::StrCat(relative.what, ", by its tensor ", name,
                         "; Oxbow does not run it"));
      }
    }
  }
  return absl::OkStatus();
}

// The highest N of "blocks.N." plus one.
absl::StatusOr<int> CountLayers(const TensorCatalog& catalog) {
  int layers = 0;
  for (const auto& [name, stored] : catalog.names()) {
    if (!absl::StartsWith(name, "blocks.")) continue;
    const std::vector<absl::string_view> parts = absl::StrSplit(name, '.');
    int layer = -1;
    if (parts.size() < 3 || !absl::SimpleAtoi(parts[1], &layer) || layer < 0 ||
        layer >= kLayersMax) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": not a layer in 0 .. ", kLayersMax - 1));
    }
    layers = std::max(layers, layer + 1);
  }
  return layers;
}

absl::StatusOr<RwkvVersion> VersionOf(const TensorCatalog& catalog) {
  const auto has = [&](absl::string_view name) {
    return catalog.Find(absl::StrCat("blocks.0.att.", name)) != nullptr;
  };
  if (has("r_k")) return RwkvVersion::k7;
  if (has("time_maa_x")) return RwkvVersion::k6;
  const TensorEntry* decay = catalog.Find("blocks.0.att.time_decay");
  if (decay == nullptr) {
    return absl::InvalidArgumentError(
        "blocks.0.att has neither r_k nor time_decay: no RWKV model");
  }
  if (!has("ln_x.weight")) return RwkvVersion::k4;
  if (!has("gate.weight")) return RwkvVersion::k5_0;
  const bool per_channel = decay->shape.size() == 2 && decay->shape[1] > 1;
  return per_channel ? RwkvVersion::k5_2 : RwkvVersion::k5_1;
}

// The two sizes of a matrix; InvalidArgument if it is missing or too large.
absl::StatusOr<const TensorEntry*> FindMatrix(const TensorCatalog& catalog,
                                              const char* name, int64_t rows,
                                              int64_t columns) {
  const TensorEntry* entry = catalog.Find(name);
  if (entry == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": missing; no RWKV model"));
  }
  if (entry->shape.size() != 2 || entry->shape[0] > rows ||
      entry->shape[1] > columns) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": want two dimensions up to [", rows, ",", columns,
                     "], file has ", ShapeText(entry->shape)));
  }
  return entry;
}

absl::Status DetectVersion7(const TensorCatalog& catalog, ModelConfig* config) {
  ASSIGN_OR_RETURN(
      const TensorEntry* r_k,
      FindMatrix(catalog, "blocks.0.att.r_k", kWidthMax, kWidthMax));
  if (r_k->Count() != config->width) {
    return absl::InvalidArgumentError(absl::StrCat(
        "blocks.0.att.r_k: ", ShapeText(r_k->shape), " are not the ",
        config->width, " channels of emb.weight"));
  }
  config->head_size = static_cast<int>(r_k->shape[1]);
  ASSIGN_OR_RETURN(
      const TensorEntry* key,
      FindMatrix(catalog, "blocks.0.ffn.key.weight", kDimensionMax, kWidthMax));
  config->ffn_width = static_cast<int>(key->shape[0]);
  config->has_lm_head = catalog.Find("head.weight") != nullptr;
  for (const char* head : {"retr", "sts", "cls"}) {
    if (catalog.Find(absl::StrCat("head.", head, "_head.fc1.weight"))) {
      config->embedding_heads.emplace_back(head);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ModelConfig> DetectVersion(const TensorCatalog& catalog) {
  RETURN_IF_ERROR(CheckRelatives(catalog));
  ModelConfig config;
  ASSIGN_OR_RETURN(
      const TensorEntry* table,
      FindMatrix(catalog, "emb.weight", kVocabularyMax, kWidthMax));
  config.vocabulary_size = static_cast<int>(table->shape[0]);
  config.width = static_cast<int>(table->shape[1]);
  ASSIGN_OR_RETURN(config.layers, CountLayers(catalog));
  if (config.layers == 0) {
    return absl::InvalidArgumentError("no tensor blocks.0: no RWKV model");
  }
  ASSIGN_OR_RETURN(config.version, VersionOf(catalog));
  if (config.version == RwkvVersion::k7) {
    RETURN_IF_ERROR(DetectVersion7(catalog, &config));
  }
  return config;
}

}  // namespace oxbow
