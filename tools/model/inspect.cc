#include "tools/model/inspect.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "engine/model_id.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/weights/open_catalog.h"
#include "engine/weights/tensor_catalog.h"
#include "engine/weights/weight_precision.h"
#include "nlohmann/json.hpp"

namespace oxbow {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const ModelInfo& info) {
  Json json;
  json["kind"] = info.has_rank_head             ? "reranker"
                 : info.embedding_heads.empty() ? "language model"
                                                : "embedder";
  json["version"] = info.version;
  json["layers"] = info.layers;
  json["width"] = info.width;
  json["head_size"] = info.head_size;
  json["vocabulary_size"] = info.vocabulary_size;
  json["parameters"] = info.parameters;
  json["weights_dtype"] = info.weights_dtype;
  json["state_bytes"] = info.state_bytes;
  json["has_lm_head"] = info.has_lm_head;
  json["embedding_heads"] = info.embedding_heads;
  if (info.has_rank_head) json["reranker_layers"] = info.reranker_layers;
  json["adapters"] = info.adapters;
  json["layout_id"] = info.layout_id;
  json["numerics_id"] = info.numerics_id;
  json["weights_id"] = ToHex(info.weights_id);
  return json;
}

// A model of its own tokenizer has an id; one whose tokenizer is not at hand
// says why.
void AddModelId(const InspectFlags& flags, const Model& model, Json* json) {
  if (model.info().has_rank_head) return;  // It reads no text.
  const absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = MakeTokenizer(
      flags.model.tokenizer, flags.model.path, model.info().vocabulary_size);
  if (tokenizer.ok()) {
    (*json)["model_id"] = ToHex(ModelId(model, **tokenizer));
  } else {
    (*json)["model_id"] = nullptr;
    (*json)["no_tokenizer"] = std::string(tokenizer.status().message());
  }
}

absl::StatusOr<Json> TensorsOf(const InspectFlags& flags) {
  ASSIGN_OR_RETURN(
      const TensorCatalog catalog,
      OpenCatalog(flags.model.path, ModelPart::kModel, flags.model.adapters,
                  /*threads=*/1));
  Json tensors = Json::array();
  for (const auto& [name, stored] : catalog.names()) {
    tensors.push_back(
        {{"name", name},
         {"shape", stored.entry.shape},
         {"dtype", NameOf(stored.entry.dtype)},
         {"kept", NameOf(KeptAs(catalog, name, flags.model.weights))},
         {"name_in_file", std::string(catalog.NameInFile(name))}});
  }
  return tensors;
}

void Print(const Json& json, std::ostream* out) {
  for (const auto& [key, value] : json.items()) {
    if (key == "tensors") continue;
    *out << absl::StreamFormat(
        "%-16s %s\n", key,
        value.is_string() ? value.get<std::string>() : value.dump());
  }
  if (!json.contains("tensors")) return;
  for (const Json& tensor : json["tensors"]) {
    *out << absl::StreamFormat(
        "%-40s %-6s %-6s %-18s %s\n", tensor["name"].get<std::string>(),
        tensor["dtype"].get<std::string>(), tensor["kept"].get<std::string>(),
        tensor["shape"].dump(), tensor["name_in_file"].get<std::string>());
  }
}

}  // namespace

absl::Status Inspect(const InspectFlags& flags, bool is_terminal,
                     std::ostream* out) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Model> model,
                   LoadChosen(flags.model, is_terminal));
  Json json = ToJson(model->info());
  AddModelId(flags, *model, &json);
  if (flags.tensors) {
    ASSIGN_OR_RETURN(json["tensors"], TensorsOf(flags));
  }
  if (flags.json) {
    *out << json.dump() << std::endl;
  } else {
    Print(json, out);
  }
  return absl::OkStatus();
}

absl::Status Verify(const InspectFlags& flags, bool is_terminal,
                    std::ostream* out) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Model> model,
                   LoadChosen(flags.model, is_terminal));
  const ModelInfo& info = model->info();
  if (flags.json) {
    *out << Json{{"whole", true},
                 {"parameters", info.parameters},
                 {"weights_id", ToHex(info.weights_id)}}
                .dump()
         << std::endl;
    return absl::OkStatus();
  }
  *out << flags.model.path << ": whole; " << info.parameters
       << " numbers, all finite; weights id " << ToHex(info.weights_id)
       << std::endl;
  return absl::OkStatus();
}

}  // namespace oxbow
