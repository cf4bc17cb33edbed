#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/weights/find_model_file.h"
#include "engine/weights/gguf_header.h"
#include "engine/weights/input_file.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;

// The vocabulary that lies beside the model file.
absl::StatusOr<std::string> FindVocabulary(const std::string& model_path) {
  std::error_code ignored;
  fs::path own = model_path;
  own.replace_extension(".vocab");
  if (fs::is_regular_file(own, ignored)) return own.string();

  const fs::path folder =
      own.has_parent_path() ? own.parent_path() : fs::path(".");
  std::string found;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!absl::StartsWith(name, "rwkv_vocab_") ||
        !absl::EndsWith(name, ".txt")) {
      continue;
    }
    if (!found.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("two vocabularies beside the model, ", found, " and ",
                       name, ": say which by --tokenizer=world:PATH"));
    }
    found = entry.path().string();
  }
  if (found.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "no vocabulary: neither ", own.string(), " nor rwkv_vocab_*.txt in ",
        folder.string(),
        "; give --tokenizer=world:PATH, gguf:PATH, bytes or none"));
  }
  return found;
}

// The vocabulary within the model file, or else the one beside it.
absl::StatusOr<std::unique_ptr<Tokenizer>> FindTokenizer(
    const std::string& model) {
  ASSIGN_OR_RETURN(const std::string model_path, FindModelFile(model));
  const absl::StatusOr<InputFile> file = InputFile::Open(model_path);
  if (file.ok() && LooksLikeGguf(*file)) {
    absl::StatusOr<std::unique_ptr<Tokenizer>> embedded =
        LoadGgufTokenizer(model_path);
    if (!absl::IsNotFound(embedded.status())) return embedded;
  }
  ASSIGN_OR_RETURN(const std::string path, FindVocabulary(model_path));
  return LoadWorldTokenizer(path);
}

absl::StatusOr<std::unique_ptr<Tokenizer>> Make(const std::string& flag,
                                                const std::string& model_path,
                                                int vocabulary_size) {
  absl::string_view rest = flag;
  if (flag == "bytes") return NewBytesTokenizer();
  if (flag == "none") return NewNoTokenizer(vocabulary_size);
  if (flag.empty()) return FindTokenizer(model_path);
  if (absl::ConsumePrefix(&rest, "world:")) {
    return LoadWorldTokenizer(std::string(rest));
  }
  if (absl::ConsumePrefix(&rest, "gguf:")) {
    return LoadGgufTokenizer(std::string(rest));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--tokenizer=", flag, ": want world:PATH, gguf:PATH, bytes or none"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> MakeTokenizer(
    const std::string& flag, const std::string& model_path,
    int vocabulary_size) {
  ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> tokenizer,
                   Make(flag, model_path, vocabulary_size));
  if (tokenizer->id_end() > vocabulary_size) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tokenizer ", tokenizer->name(), " has ids up to ",
        tokenizer->id_end() - 1, ", the model ", vocabulary_size, " tokens"));
  }
  return tokenizer;
}

}  // namespace oxbow
