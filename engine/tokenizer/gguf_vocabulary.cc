#include "engine/tokenizer/gguf_vocabulary.h"

#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/tokenizer/vocabulary.h"
#include "engine/weights/gguf_header.h"
#include "engine/weights/gguf_metadata.h"
#include "engine/weights/gguf_value.h"

namespace oxbow {
namespace {

constexpr int64_t kTokensMax = 1 << 20;

// As gguf numbers the types of tokens.
constexpr int64_t kUnknown = 2, kControl = 3, kUnused = 5;

bool IsText(int64_t type) {
  return type != kUnknown && type != kControl && type != kUnused;
}

// The single byte of an escape that starts at text[0], after the backslash;
// *length is how long it is.
absl::StatusOr<char> ParseEscape(absl::string_view text, size_t* length) {
  *length = 1;
  if (text.empty()) return absl::InvalidArgumentError("it ends in a backslash");
  switch (text[0]) {
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case '\\':
    case '\'':
    case '"':
      return text[0];
    case 'x':
      *length = 3;
      if (text.size() >= 3 && absl::ascii_isxdigit(text[1]) &&
          absl::ascii_isxdigit(text[2])) {
        return absl::HexStringToBytes(text.substr(1, 2))[0];
      }
      return absl::InvalidArgumentError("a \\x without two hex digits");
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          "unknown escape \\", absl::CHexEscape(text.substr(0, 1))));
  }
}

absl::StatusOr<std::string> TokenizerModel(const GgufHeader& header) {
  ASSIGN_OR_RETURN(const std::string model,
                   header.metadata.Text("tokenizer.ggml.model"));
  if (model == "none" || model == "no_vocab") {
    return absl::NotFoundError("the file embeds no tokenizer");
  }
  if (model != "rwkv") {
    return absl::UnimplementedError(absl::StrCat(
        "the embedded tokenizer is '",
        absl::CHexEscape(model.substr(0, kNameBytesMax)),
        "', Oxbow reads 'rwkv'; say which other to use by --tokenizer"));
  }
  return model;
}

// The types of tokens; empty if the file does not say.
absl::StatusOr<std::vector<int64_t>> ReadTypes(const InputFile& file,
                                               const GgufMetadata& metadata) {
  constexpr char kKey[] = "tokenizer.ggml.token_type";
  absl::StatusOr<GgufValue> array = metadata.Array(kKey, GgufType::kI32);
  if (absl::IsNotFound(array.status())) return std::vector<int64_t>();
  if (!array.ok()) array = metadata.Array(kKey, GgufType::kU32);
  if (!array.ok()) return array.status();
  return ReadGgufIntegers(file, *array, kTokensMax);
}

absl::Status AddToken(int64_t id, absl::string_view text,
                      Vocabulary* vocabulary) {
  absl::StatusOr<std::string> piece = UnescapeGgufToken(text);
  const absl::Status status =
      piece.ok() ? vocabulary->Add(id, *std::move(piece)) : piece.status();
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrCat(
      "tokenizer.ggml.tokens: token ", id, ": ", status.message()));
}

}  // namespace

absl::StatusOr<std::string> UnescapeGgufToken(absl::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const char c = text[0];
    text.remove_prefix(1);
    if (c != '\\') {
      bytes.push_back(c);
      continue;
    }
    size_t length;
    ASSIGN_OR_RETURN(const char byte, ParseEscape(text, &length));
    bytes.push_back(byte);
    text.remove_prefix(length);
  }
  return bytes;
}

absl::StatusOr<std::vector<std::string>> ReadGgufVocabulary(
    const InputFile& file) {
  ASSIGN_OR_RETURN(const GgufHeader header, ReadGgufHeader(file));
  RETURN_IF_ERROR(TokenizerModel(header).status());
  const absl::StatusOr<GgufValue> array =
      header.metadata.Array("tokenizer.ggml.tokens", GgufType::kString);
  if (!array.ok()) {
    return absl::InvalidArgumentError(array.status().message());
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> texts,
                   ReadGgufStrings(file, *array, kTokensMax));
  ASSIGN_OR_RETURN(const std::vector<int64_t> types,
                   ReadTypes(file, header.metadata));
  if (!types.empty() && types.size() != texts.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("tokenizer.ggml.token_type has ", types.size(),
                     " types for ", texts.size(), " tokens"));
  }
  Vocabulary vocabulary;
  for (size_t id = 0; id < texts.size(); ++id) {
    const bool is_text =
        types.empty() ? id > 0 || texts[id] != "<s>" : IsText(types[id]);
    if (!is_text) continue;
    RETURN_IF_ERROR(AddToken(static_cast<int64_t>(id), texts[id], &vocabulary));
  }
  const absl::Status complete = vocabulary.CheckComplete();
  if (complete.ok()) return vocabulary.Take();
  return absl::InvalidArgumentError(
      absl::StrCat("tokenizer.ggml.tokens: ", complete.message()));
}

}  // namespace oxbow
