#include "engine/weights/gguf_metadata.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

absl::Status OtherType(absl::string_view key, GgufType type,
                       absl::string_view want) {
  return absl::InvalidArgumentError(absl::StrCat(
      "metadata ", key, " is of type ", NameOf(type), ", want ", want));
}

}  // namespace

absl::StatusOr<const GgufValue*> GgufMetadata::Find(
    absl::string_view key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) {
    return absl::NotFoundError(absl::StrCat("metadata has no ", key));
  }
  return &found->second;
}

absl::StatusOr<int64_t> GgufMetadata::Integer(absl::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue* value, Find(key));
  if (!IsInteger(value->type)) return OtherType(key, value->type, "an integer");
  return value->integer;
}

absl::StatusOr<double> GgufMetadata::Real(absl::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue* value, Find(key));
  if (value->type != GgufType::kF32 && value->type != GgufType::kF64) {
    return OtherType(key, value->type, "f32 or f64");
  }
  return value->real;
}

absl::StatusOr<std::string> GgufMetadata::Text(absl::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue* value, Find(key));
  if (value->type != GgufType::kString) {
    return OtherType(key, value->type, "string");
  }
  return value->text;
}

absl::StatusOr<GgufValue> GgufMetadata::Array(absl::string_view key,
                                              GgufType element) const {
  ASSIGN_OR_RETURN(const GgufValue* value, Find(key));
  if (value->type != GgufType::kArray) {
    return OtherType(key, value->type, "array");
  }
  if (value->element != element) {
    return OtherType(key, value->element, NameOf(element));
  }
  return *value;
}

}  // namespace oxbow
