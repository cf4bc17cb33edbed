#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/tokenizer/gguf_vocabulary.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/world_tokenizer.h"

namespace oxbow {

absl::StatusOr<std::unique_ptr<Tokenizer>> LoadGgufTokenizer(
    const std::string& path) {
  ASSIGN_OR_RETURN(const InputFile file, InputFile::Open(path));
  absl::StatusOr<std::vector<std::string>> pieces = ReadGgufVocabulary(file);
  if (!pieces.ok()) {
    return absl::Status(pieces.status().code(),
                        absl::StrCat(path, ": ", pieces.status().message()));
  }
  return NewWorldTokenizer(
      absl::StrCat("gguf:", std::filesystem::path(path).filename().string()),
      *std::move(pieces));
}

}  // namespace oxbow
