#include "engine/weights/hf_config.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "engine/weights/strict_json.h"

namespace oxbow {
namespace {

using Json = nlohmann::json;

constexpr StrictJsonLimits kJsonLimits = {8, 1 << 16};
constexpr size_t kShownBytes = 64;

constexpr const char* kModelTypes[] = {"rwkv", "rwkv5", "rwkv6", "rwkv7"};

// Null if there is no such field, or it is null.
const Json* FieldOf(const Json& config, const char* name) {
  const auto found = config.find(name);
  return found == config.end() || found->is_null() ? nullptr : &*found;
}

absl::Status WrongKind(const char* name, const char* want) {
  return absl::InvalidArgumentError(
      absl::StrCat("config.json: ", name, " is not ", want));
}

absl::Status TakeSize(const Json& config, const char* name,
                      absl::optional<int64_t>* to) {
  const Json* field = FieldOf(config, name);
  if (field == nullptr) return absl::OkStatus();
  if (!field->is_number_unsigned() ||
      field->get<uint64_t>() > static_cast<uint64_t>(kDimensionMax)) {
    return WrongKind(name, "a size");
  }
  *to = field->get<int64_t>();
  return absl::OkStatus();
}

absl::Status TakeNumber(const Json& config, const char* name,
                        absl::optional<double>* to) {
  const Json* field = FieldOf(config, name);
  if (field == nullptr) return absl::OkStatus();
  if (!field->is_number()) return WrongKind(name, "a number");
  *to = field->get<double>();
  return absl::OkStatus();
}

absl::StatusOr<std::string> TextOf(const Json& config, const char* name) {
  const Json* field = FieldOf(config, name);
  if (field == nullptr) return std::string();
  if (!field->is_string()) return WrongKind(name, "text");
  return field->get<std::string>().substr(0, kShownBytes);
}

absl::Status CheckModelType(const Json& config) {
  ASSIGN_OR_RETURN(const std::string type, TextOf(config, "model_type"));
  if (type.empty() || std::find(std::begin(kModelTypes), std::end(kModelTypes),
                                type) != std::end(kModelTypes)) {
    return absl::OkStatus();
  }
  return absl::UnimplementedError(
      absl::StrCat("config.json: model_type '", type,
                   "'; Oxbow reads rwkv, rwkv5, rwkv6 "
                   "and rwkv7"));
}

// Settings that would make it another model.
absl::Status CheckSettings(const Json& config) {
  ASSIGN_OR_RETURN(const std::string activation, TextOf(config, "hidden_act"));
  if (!activation.empty() && activation != "sqrelu") {
    return absl::UnimplementedError(absl::StrCat(
        "config.json: hidden_act '", activation, "'; RWKV's is sqrelu"));
  }
  const Json* tied = FieldOf(config, "tie_word_embeddings");
  if (tied != nullptr && !tied->is_boolean()) {
    return WrongKind("tie_word_embeddings", "true or false");
  }
  if (tied != nullptr && tied->get<bool>()) {
    return absl::UnimplementedError(
        "config.json: tie_word_embeddings; Oxbow wants a head of its own");
  }
  for (const char* name : {"attn", "quantization_config"}) {
    if (FieldOf(config, name) != nullptr) {
      return absl::UnimplementedError(
          absl::StrCat("config.json: ", name, "; Oxbow runs plain RWKV"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SourceFacts> ParseHfConfig(const std::string& text) {
  const absl::StatusOr<Json> config = ParseStrictJson(text, kJsonLimits);
  if (!config.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("config.json: ", config.status().message()));
  }
  if (!config->is_object()) {
    return absl::InvalidArgumentError("config.json: not a JSON object");
  }
  RETURN_IF_ERROR(CheckModelType(*config));
  RETURN_IF_ERROR(CheckSettings(*config));
  SourceFacts facts;
  facts.from = "config.json";
  RETURN_IF_ERROR(TakeSize(*config, "num_hidden_layers", &facts.layers));
  RETURN_IF_ERROR(TakeSize(*config, "hidden_size", &facts.width));
  RETURN_IF_ERROR(TakeSize(*config, "intermediate_size", &facts.ffn_width));
  RETURN_IF_ERROR(TakeSize(*config, "vocab_size", &facts.vocabulary_size));
  // fla's name, and the one before.
  RETURN_IF_ERROR(TakeSize(*config, "head_size", &facts.head_size));
  RETURN_IF_ERROR(TakeSize(*config, "head_dim", &facts.head_size));
  RETURN_IF_ERROR(TakeNumber(*config, "layer_norm_epsilon", &facts.norm_eps));
  RETURN_IF_ERROR(TakeNumber(*config, "norm_eps", &facts.norm_eps));
  return facts;
}

}  // namespace oxbow
