#include "engine/weights/shard_index.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "engine/weights/strict_json.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {
namespace {

using Json = nlohmann::json;

// {"metadata": {..}, "weight_map": {"a": "b"}}; metadata may be anything small.
constexpr StrictJsonLimits kJsonLimits = {4, 2 * kTensorsMax};
constexpr size_t kFileNameBytesMax = 255;
constexpr size_t kShownBytes = 64;

// A name of a file in the index's own folder, and nothing else.
absl::Status CheckFileName(const std::string& tensor, const Json& value) {
  if (!value.is_string()) {
    return absl::InvalidArgumentError(
        absl::StrCat(tensor, ": its file is not named by text"));
  }
  const std::string& name = value.get_ref<const std::string&>();
  bool is_plain = !name.empty() && name.size() <= kFileNameBytesMax &&
                  name[0] != '.' && !absl::StrContains(name, '/') &&
                  !absl::StrContains(name, '\\');
  for (char c : name) is_plain &= !absl::ascii_iscntrl(c);
  if (!is_plain) {
    return absl::InvalidArgumentError(absl::StrCat(
        tensor, ": '", absl::CHexEscape(name.substr(0, kShownBytes)),
        "' is not the name of a file beside the index"));
  }
  if (!absl::EndsWith(name, ".safetensors")) {
    return absl::UnimplementedError(
        absl::StrCat(tensor, ": in ", name.substr(0, kShownBytes),
                     "; Oxbow reads shards in .safetensors"));
  }
  return absl::OkStatus();
}

absl::Status AddAll(const Json& map, ShardIndex* index) {
  if (map.empty() || map.size() > kTensorsMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "weight_map has ", map.size(), " tensors, want 1 to ", kTensorsMax));
  }
  for (const auto& [tensor, file] : map.items()) {
    if (tensor.empty() || tensor.size() > kNameBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("a tensor's name has ", tensor.size(),
                       " bytes, want 1 to ", kNameBytesMax));
    }
    RETURN_IF_ERROR(CheckFileName(tensor, file));
    (*index)[file.get_ref<const std::string&>()].insert(tensor);
    if (index->size() > kShardsMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("more than ", kShardsMax, " files"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ShardIndex> ParseShardIndex(const std::string& text) {
  ASSIGN_OR_RETURN(const Json root, ParseStrictJson(text, kJsonLimits));
  if (!root.is_object()) {
    return absl::InvalidArgumentError("not a JSON object");
  }
  const auto map = root.find("weight_map");
  if (map == root.end() || !map->is_object()) {
    return absl::InvalidArgumentError("no object weight_map");
  }
  ShardIndex index;
  RETURN_IF_ERROR(AddAll(*map, &index));
  return index;
}

}  // namespace oxbow
