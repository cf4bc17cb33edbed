#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/tokenizer/bpe_tokenizer.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/tokenizer_json.h"
#include "engine/weights/input_file.h"

namespace oxbow {
namespace {

// The 20B one has 2.1 MB.
constexpr int64_t kFileBytesMax = int64_t{32} << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> LoadHfTokenizer(
    const std::string& path) {
  ASSIGN_OR_RETURN(InputFile file, InputFile::Open(path));
  if (file.size() > kFileBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": a tokenizer of ", file.size(), " bytes, at most ",
                     kFileBytesMax, " are read"));
  }
  std::string text(file.size(), '\0');
  RETURN_IF_ERROR(file.ReadAt(0, absl::MakeSpan(&text[0], text.size())));
  ASSIGN_OR_RETURN(BpeSpec spec, ParseTokenizerJson(text, path));
  return NewBpeTokenizer(
      absl::StrCat("hf:", std::filesystem::path(path).filename().string()),
      std::move(spec));
}

}  // namespace oxbow
