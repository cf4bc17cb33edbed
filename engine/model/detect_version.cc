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
  const bool per_channel = decay->Count() > decay->shape[0];
  return per_channel ? RwkvVersion::k5_2 : RwkvVersion::k5_1;
}

// The first tensor whose dimensions tell the heads apart, and how: [H,S], or
// in RWKV-5 [H] or [H,S].
absl::StatusOr<int> HeadSizeOf(RwkvVersion version,
                               const TensorCatalog& catalog, int width) {
  const char* name = "blocks.0.att.time_decay";
  switch (version) {
    case RwkvVersion::k4:
      return 1;
    case RwkvVersion::k5_0:
    case RwkvVersion::k5_1:
    case RwkvVersion::k5_2:
      break;
    case RwkvVersion::k6:
      name = "blocks.0.att.time_faaaa";
      break;
    case RwkvVersion::k7:
      name = "blocks.0.att.r_k";
      break;
  }
  const TensorEntry* entry = catalog.Find(name);
  if (entry == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": missing; it tells the heads"));
  }
  const int64_t heads = entry->shape[0];
  const bool per_channel = entry->shape.size() > 1 && entry->Count() == width;
  const bool per_head = version < RwkvVersion::k6 && entry->Count() == heads;
  if ((!per_channel && !per_head) || width % heads != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": ", ShapeText(entry->shape), " are not the heads of ", width,
        " channels, as emb.weight has"));
  }
  return static_cast<int>(width / heads);
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
  ASSIGN_OR_RETURN(config.head_size,
                   HeadSizeOf(config.version, catalog, config.width));
  ASSIGN_OR_RETURN(
      const TensorEntry* key,
      FindMatrix(catalog, "blocks.0.ffn.key.weight", kDimensionMax, kWidthMax));
  config.ffn_width = static_cast<int>(key->shape[0]);
  config.has_lm_head = catalog.Find("head.weight") != nullptr;
  for (const char* head : {"retr", "sts", "cls"}) {
    if (catalog.Find(absl::StrCat("head.", head, "_head.fc1.weight"))) {
      config.embedding_heads.emplace_back(head);
    }
  }
  // Any one of them makes it a reranker; what it lacks will be named.
  for (const char* name : {"head.0.weight", "head.0.bias", "head.2.weight"}) {
    config.has_rank_head |= catalog.Find(name) != nullptr;
  }
  if (catalog.facts().reranker_layers.has_value()) {
    config.reranker_layers = *catalog.facts().reranker_layers;
  } else if (config.has_rank_head) {
    for (int l = 0; l < config.layers; ++l) config.reranker_layers.push_back(l);
  }
  return config;
}

}  // namespace oxbow
