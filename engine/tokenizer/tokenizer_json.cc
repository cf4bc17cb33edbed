#include "engine/tokenizer/tokenizer_json.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/json_parts.h"

namespace oxbow {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kIdEndMax = 1 << 20;
constexpr size_t kPieceBytesMax = 1024;
// Of a name in an error.
constexpr size_t kShownBytesMax = 64;

// The one pattern there is a matcher for (word_reader.h).
constexpr char kGpt2Pattern[] =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|)"
    R"(\s+(?!\S)|\s+)";

std::string Shown(absl::string_view text) {
  return absl::StrCat("'", text.substr(0, kShownBytesMax), "'");
}

absl::Status Unsupported(absl::string_view path, absl::string_view what) {
  return absl::UnimplementedError(
      absl::StrCat(path, ": ", what, " is not supported"));
}

absl::Status Bad(absl::string_view path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

// The 20B vocabulary has no tokens for the other thirteen.
bool OccursInUtf8(int byte) {
  return byte != 0xc0 && byte != 0xc1 && byte < 0xf5;
}

// Understands the parts of one file.
class Interpreter {
 public:
  explicit Interpreter(JsonParts parts) : parts_(std::move(parts)) {}

  absl::StatusOr<BpeSpec> Interpret() {
    RETURN_IF_ERROR(CheckModel());
    RETURN_IF_ERROR(ReadNormalizer("normalizer"));
    RETURN_IF_ERROR(CheckPreTokenizer("pre_tokenizer"));
    RETURN_IF_ERROR(CheckDecoder());
    RETURN_IF_ERROR(CheckPostProcessor());
    RETURN_IF_ERROR(ReadVocabulary());
    RETURN_IF_ERROR(ReadMerges());
    RETURN_IF_ERROR(ReadAddedTokens());
    return std::move(spec_);
  }

 private:
  // A part; null if it is not there, which is the same as JSON's null.
  const Json& At(absl::string_view path) const {
    static const Json* const kNull = new Json();
    const auto found = parts_.parts.find(std::string(path));
    return found == parts_.parts.end() ? *kNull : found->second;
  }
  bool Has(absl::string_view path) const { return !At(path).is_null(); }
  // The "type" of an object; empty if there is none.
  std::string TypeOf(absl::string_view path) const {
    const Json& type = At(absl::StrCat(path, "/type"));
    return type.is_string() ? type.get<std::string>() : "";
  }
  std::string Described(absl::string_view path) const {
    const std::string type = TypeOf(path);
    return type.empty() ? "a part without a type"
                        : absl::StrCat("a ", type.substr(0, kShownBytesMax));
  }
  // How many elements an array has.
  size_t SizeOf(absl::string_view path) const {
    size_t size = 0;
    while (parts_.parts.count(absl::StrCat(path, "/", size)) > 0) ++size;
    return size;
  }
  absl::StatusOr<bool> BoolAt(absl::string_view path, bool absent) const {
    const Json& value = At(path);
    if (value.is_null()) return absent;
    if (!value.is_boolean()) return Bad(path, "want true or false");
    return value.get<bool>();
  }

  // Unimplemented unless a setting is absent, false, 0 or "".
  absl::Status CheckOff(const std::string& path) const;
  absl::Status CheckModel() const;
  absl::Status ReadNormalizer(const std::string& path);
  absl::Status CheckPreTokenizer(const std::string& path) const;
  absl::Status CheckSplit(const std::string& path) const;
  absl::Status CheckByteLevel(const std::string& path, bool splits) const;
  absl::Status CheckDecoder() const;
  absl::Status CheckPostProcessor() const;
  absl::Status ReadVocabulary();
  absl::Status AddToken(const std::string& token, uint64_t id);
  absl::Status ReadMerges();
  absl::Status ReadAddedTokens();
  absl::Status ReadAddedToken(const std::string& path);
  // Gives the id to the token, or finds that it has it already.
  absl::Status PlaceAddedToken(const std::string& path,
                               const BpeSpec::AddedToken& added);

  JsonParts parts_;
  BpeSpec spec_;
  absl::flat_hash_map<std::string, int> ids_;  // of the vocabulary
};

absl::Status Interpreter::CheckOff(const std::string& path) const {
  const Json& value = At(path);
  const bool off =
      value.is_null() || value == false || value == 0 || value == "";
  return off ? absl::OkStatus() : Unsupported(path, Shown(value.dump()));
}

absl::Status Interpreter::CheckModel() const {
  if (!At("model").is_object()) return Bad("model", "there is no such object");
  const Json& type = At("model/type");
  if (!type.is_null() && !type.is_string()) {
    return Bad("model/type", "want a string");
  }
  // Old files name no type; merges are what BPE alone has.
  if (type.is_null() && !Has("model/merges")) {
    return Unsupported("model", "a part without a type");
  }
  if (type.is_string() && type != "BPE") {
    return Unsupported("model/type", Described("model") + " model");
  }
  for (const char* setting :
       {"dropout", "continuing_subword_prefix", "end_of_word_suffix",
        "byte_fallback", "ignore_merges"}) {
    RETURN_IF_ERROR(CheckOff(absl::StrCat("model/", setting)));
  }
  return absl::OkStatus();
}

absl::Status Interpreter::ReadNormalizer(const std::string& path) {
  if (!Has(path)) return absl::OkStatus();
  const std::string type = TypeOf(path);
  if (type == "NFC") {
    spec_.normalizes = true;
    return absl::OkStatus();
  }
  if (type != "Sequence") {
    return Unsupported(path, Described(path) + " normalizer");
  }
  const std::string list = path + "/normalizers";
  for (size_t i = 0; i < SizeOf(list); ++i) {
    RETURN_IF_ERROR(ReadNormalizer(absl::StrCat(list, "/", i)));
  }
  return absl::OkStatus();
}

absl::Status Interpreter::CheckPreTokenizer(const std::string& path) const {
  if (!Has(path)) return Unsupported(path, "a file without one");
  const std::string type = TypeOf(path);
  if (type == "ByteLevel") return CheckByteLevel(path, /*splits=*/true);
  if (type != "Sequence") {
    return Unsupported(path, Described(path) + " pre-tokenizer");
  }
  const std::string list = path + "/pretokenizers";
  const size_t size = SizeOf(list);
  if (size == 1) return CheckPreTokenizer(list + "/0");
  if (size == 0) return Unsupported(path, "an empty Sequence");
  RETURN_IF_ERROR(CheckSplit(list + "/0"));
  if (size > 2) return Unsupported(path, absl::StrCat(size, " steps"));
  return CheckByteLevel(list + "/1", /*splits=*/false);
}

absl::Status Interpreter::CheckSplit(const std::string& path) const {
  if (TypeOf(path) != "Split") {
    return Unsupported(path, Described(path) + " before other steps");
  }
  const Json& pattern = At(path + "/pattern/Regex");
  if (pattern != kGpt2Pattern) {
    return Unsupported(path + "/pattern",
                       Shown(pattern.dump()) + " (only GPT-2's pattern is)");
  }
  if (At(path + "/behavior") != "Isolated") {
    return Unsupported(path + "/behavior",
                       Shown(At(path + "/behavior").dump()));
  }
  return CheckOff(path + "/invert");
}

absl::Status Interpreter::CheckByteLevel(const std::string& path,
                                         bool splits) const {
  if (TypeOf(path) != "ByteLevel") {
    return Unsupported(path, Described(path) + " pre-tokenizer here");
  }
  ASSIGN_OR_RETURN(const bool adds_space,
                   BoolAt(path + "/add_prefix_space", true));
  if (adds_space) return Unsupported(path + "/add_prefix_space", "true");
  ASSIGN_OR_RETURN(const bool use_regex, BoolAt(path + "/use_regex", true));
  if (use_regex != splits) {
    return Unsupported(path + "/use_regex", use_regex ? "true" : "false");
  }
  return absl::OkStatus();
}

absl::Status Interpreter::CheckDecoder() const {
  if (!Has("decoder") || TypeOf("decoder") == "ByteLevel") {
    return absl::OkStatus();
  }
  return Unsupported("decoder", Described("decoder"));
}

absl::Status Interpreter::CheckPostProcessor() const {
  const std::string path = "post_processor";
  if (!Has(path) || TypeOf(path) == "ByteLevel") return absl::OkStatus();
  if (TypeOf(path) != "TemplateProcessing") {
    return Unsupported(path, Described(path));
  }
  const std::string list = path + "/single";
  for (size_t i = 0; i < SizeOf(list); ++i) {
    if (Has(absl::StrCat(list, "/", i, "/SpecialToken"))) {
      return Unsupported(path, "adding tokens to every text");
    }
  }
  return absl::OkStatus();
}

absl::Status Interpreter::AddToken(const std::string& token, uint64_t id) {
  constexpr char kPath[] = "model/vocab";
  if (id >= kIdEndMax) {
    return Bad(kPath, absl::StrCat("id ", id, " is past ", kIdEndMax - 1));
  }
  std::string piece = BytesOfPiece(token).value_or(token);
  if (piece.empty() || piece.size() > kPieceBytesMax) {
    return Bad(kPath, absl::StrCat("token ", id, " has ", piece.size(),
                                   " bytes, want 1 to ", kPieceBytesMax));
  }
  if (id >= spec_.pieces.size()) spec_.pieces.resize(id + 1);
  if (!spec_.pieces[id].empty()) {
    return Bad(kPath, absl::StrCat("id ", id, " is there twice"));
  }
  spec_.pieces[id] = std::move(piece);
  if (!ids_.emplace(token, static_cast<int>(id)).second) {
    return Bad(kPath, absl::StrCat(Shown(token), " is there twice"));
  }
  return absl::OkStatus();
}

absl::Status Interpreter::ReadVocabulary() {
  if (!Has("model/vocab")) return Bad("model/vocab", "there is none");
  if (!At("model/vocab").is_object()) {
    return Bad("model/vocab", "not an object");
  }
  if (!parts_.vocabulary_fault.empty()) {
    return Bad("model/vocab", parts_.vocabulary_fault);
  }
  spec_.byte_ids.fill(-1);
  for (const auto& entry : parts_.vocabulary) {
    RETURN_IF_ERROR(AddToken(entry.first, entry.second));
    const auto bytes = BytesOfPiece(entry.first);
    if (bytes.has_value() && bytes->size() == 1) {
      spec_.byte_ids[static_cast<uint8_t>(bytes->front())] =
          static_cast<int>(entry.second);
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    if (spec_.byte_ids[byte] >= 0 || !OccursInUtf8(byte)) continue;
    return Bad("model/vocab", absl::StrCat("no token for the single byte 0x",
                                           absl::Hex(byte, absl::kZeroPad2)));
  }
  return absl::OkStatus();
}

absl::Status Interpreter::ReadMerges() {
  constexpr char kPath[] = "model/merges";
  if (!Has(kPath)) return Bad(kPath, "there are none");
  if (!At(kPath).is_array()) return Bad(kPath, "not an array");
  if (!parts_.merges_fault.empty()) return Bad(kPath, parts_.merges_fault);
  absl::flat_hash_set<std::pair<int, int>> seen;
  for (const auto& merge : parts_.merges) {
    const std::string number = absl::StrCat("merge ", spec_.merges.size());
    int ids[3];
    int* id = ids;
    for (const std::string& token :
         {merge.first, merge.second, merge.first + merge.second}) {
      const auto found = ids_.find(token);
      if (found == ids_.end()) {
        return Bad(kPath, absl::StrCat(number, ": ", Shown(token),
                                       " is not in the vocabulary"));
      }
      *id++ = found->second;
    }
    if (!seen.insert({ids[0], ids[1]}).second) {
      return Bad(kPath, number + " is there twice");
    }
    spec_.merges.push_back({ids[0], ids[1], ids[2]});
  }
  return absl::OkStatus();
}

absl::Status Interpreter::ReadAddedTokens() {
  const Json& list = At("added_tokens");
  if (list.is_null()) return absl::OkStatus();
  if (!list.is_array()) return Bad("added_tokens", "not an array");
  for (size_t i = 0, size = SizeOf("added_tokens"); i < size; ++i) {
    RETURN_IF_ERROR(ReadAddedToken(absl::StrCat("added_tokens/", i)));
  }
  return absl::OkStatus();
}

absl::Status Interpreter::ReadAddedToken(const std::string& path) {
  const Json& id = At(path + "/id");
  const Json& content = At(path + "/content");
  if (!id.is_number_unsigned() || id.get<uint64_t>() >= kIdEndMax) {
    return Bad(path + "/id",
               absl::StrCat("want a number from 0 to ", kIdEndMax - 1));
  }
  BpeSpec::AddedToken added;
  added.id = id.get<int>();
  added.content = content.is_string() ? content.get<std::string>() : "";
  if (added.content.empty() || added.content.size() > kPieceBytesMax) {
    return Bad(path + "/content", absl::StrCat("want a string of 1 to ",
                                               kPieceBytesMax, " bytes"));
  }
  for (const char* setting : {"single_word", "lstrip", "rstrip"}) {
    RETURN_IF_ERROR(CheckOff(absl::StrCat(path, "/", setting)));
  }
  ASSIGN_OR_RETURN(added.is_special, BoolAt(path + "/special", false));
  ASSIGN_OR_RETURN(added.in_normalized,
                   BoolAt(path + "/normalized", !added.is_special));
  RETURN_IF_ERROR(PlaceAddedToken(path, added));
  spec_.added.push_back(std::move(added));
  return absl::OkStatus();
}

absl::Status Interpreter::PlaceAddedToken(const std::string& path,
                                          const BpeSpec::AddedToken& added) {
  for (const BpeSpec::AddedToken& other : spec_.added) {
    if (other.id == added.id || other.content == added.content) {
      return Bad(path, "its id or content is there twice");
    }
  }
  const auto in_vocabulary = ids_.find(added.content);
  if (in_vocabulary != ids_.end() && in_vocabulary->second != added.id) {
    return Bad(path, absl::StrCat(Shown(added.content), " is id ",
                                  in_vocabulary->second,
                                  " in the vocabulary, here ", added.id));
  }
  if (added.id >= static_cast<int>(spec_.pieces.size())) {
    spec_.pieces.resize(added.id + 1);
  }
  if (in_vocabulary == ids_.end() && !spec_.pieces[added.id].empty()) {
    return Bad(path, absl::StrCat("id ", added.id,
                                  " is another token of the vocabulary"));
  }
  spec_.pieces[added.id] = added.content;
  return absl::OkStatus();
}

absl::StatusOr<BpeSpec> Parse(absl::string_view text) {
  ASSIGN_OR_RETURN(JsonParts parts, TakeApart(text));
  return Interpreter(std::move(parts)).Interpret();
}

}  // namespace

absl::StatusOr<BpeSpec> ParseTokenizerJson(absl::string_view text,
                                           absl::string_view file) {
  absl::StatusOr<BpeSpec> spec = Parse(text);
  if (spec.ok()) return spec;
  return absl::Status(spec.status().code(),
                      absl::StrCat(file, ": ", spec.status().message()));
}

}  // namespace oxbow
