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

fs::path FolderOf(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

// The World vocabulary that lies beside the model file; empty: there is none.
absl::StatusOr<std::string> FindVocabulary(const std::string& model_path) {
  std::error_code ignored;
  fs::path own = model_path;
  own.replace_extension(".vocab");
  if (fs::is_regular_file(own, ignored)) return own.string();

  const fs::path folder = FolderOf(own);
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
  return found;
}

// Whether a tokenizer's ids fill a model's vocabulary, which may be padded.
bool Fits(const Tokenizer& tokenizer, int vocabulary_size) {
  constexpr int kPaddedTo = 512;
  const int padded =
      (tokenizer.id_end() + kPaddedTo - 1) / kPaddedTo * kPaddedTo;
  return tokenizer.id_end() <= vocabulary_size && vocabulary_size <= padded;
}

// The tokenizer.json that lies beside the model file.
absl::StatusOr<std::unique_ptr<Tokenizer>> FindHfTokenizer(
    const std::string& model_path, int vocabulary_size) {
  const fs::path folder = FolderOf(model_path);
  std::string others;
  for (const char* name : {"tokenizer.json", "20B_tokenizer.json"}) {
    const std::string path = (folder / name).string();
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) continue;
    ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> tokenizer,
                     LoadHfTokenizer(path));
    if (Fits(*tokenizer, vocabulary_size)) return tokenizer;
    absl::StrAppend(&others, "; ", name, " has ", tokenizer->id_end(),
                    " ids, the model ", vocabulary_size, " tokens");
  }
  return absl::NotFoundError(absl::StrCat(
      "no vocabulary: neither ",
      fs::path(model_path).replace_extension(".vocab").string(),
      " nor rwkv_vocab_*.txt nor tokenizer.json in ", folder.string(), others,
      "; give --tokenizer=world:PATH, gguf:PATH, hf:PATH, bytes or none"));
}

// The vocabulary within the model file, or else the one beside it.
absl::StatusOr<std::unique_ptr<Tokenizer>> FindTokenizer(
    const std::string& model, int vocabulary_size) {
  ASSIGN_OR_RETURN(const std::string model_path, FindModelFile(model));
  const absl::StatusOr<InputFile> file = InputFile::Open(model_path);
  if (file.ok() && LooksLikeGguf(*file)) {
    absl::StatusOr<std::unique_ptr<Tokenizer>> embedded =
        LoadGgufTokenizer(model_path);
    if (!absl::IsNotFound(embedded.status())) return embedded;
  }
  ASSIGN_OR_RETURN(const std::string path, FindVocabulary(model_path));
  if (!path.empty()) return LoadWorldTokenizer(path);
  return FindHfTokenizer(model_path, vocabulary_size);
}

absl::StatusOr<std::unique_ptr<Tokenizer>> Make(const std::string& flag,
                                                const std::string& model_path,
                                                int vocabulary_size) {
  absl::string_view rest = flag;
  if (flag == "bytes") return NewBytesTokenizer();
  if (flag == "none") return NewNoTokenizer(vocabulary_size);
  if (flag.empty()) return FindTokenizer(model_path, vocabulary_size);
  if (absl::ConsumePrefix(&rest, "world:")) {
    return LoadWorldTokenizer(std::string(rest));
  }
  if (absl::ConsumePrefix(&rest, "gguf:")) {
    return LoadGgufTokenizer(std::string(rest));
  }
  if (absl::ConsumePrefix(&rest, "hf:")) {
    return LoadHfTokenizer(std::string(rest));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--tokenizer=", flag,
                   ": want world:PATH, gguf:PATH, hf:PATH, bytes or none"));
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
