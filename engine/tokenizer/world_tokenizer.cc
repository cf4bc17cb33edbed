#include "engine/tokenizer/world_tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "engine/tokenizer/piece_trie.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/world_vocabulary.h"
#include "engine/weights/input_file.h"

namespace oxbow {
namespace {

// The World vocabulary has 1.1 MB.
constexpr int64_t kFileBytesMax = int64_t{64} << 20;

class WorldTokenizer : public Tokenizer {
 public:
  WorldTokenizer(std::string name, std::vector<std::string> pieces)
      : name_(std::move(name)), pieces_(std::move(pieces)) {
    std::vector<std::pair<absl::string_view, int>> entries;
    Sha256Hasher hasher;
    hasher.AddNumber(pieces_.size());
    for (size_t id = 0; id < pieces_.size(); ++id) {
      hasher.AddSized(pieces_[id]);
      if (pieces_[id].empty()) continue;
      entries.emplace_back(pieces_[id], static_cast<int>(id));
      longest_piece_ =
          std::max(longest_piece_, static_cast<int>(pieces_[id].size()));
    }
    id_ = hasher.Finish();
    trie_ = PieceTrie(std::move(entries));
  }

  std::string name() const override { return name_; }
  Digest id() const override { return id_; }
  bool reads_text() const override { return true; }
  int id_end() const override { return static_cast<int>(pieces_.size()); }
  int longest_piece() const override { return longest_piece_; }
  absl::string_view Piece(int id) const override {
    OXBOW_CHECK(id >= 0) << id;
    // Models may use ids past the vocabulary, all of them control ids.
    return id < id_end() ? absl::string_view(pieces_[id]) : "";
  }
  int end_of_document() const override { return pieces_[0].empty() ? 0 : -1; }

  int Next(absl::string_view text, bool is_end,
           std::vector<TextToken>* tokens) const override {
    const PieceTrie::Match match = trie_.Longest(text);
    if (match.bytes == 0 || (match.may_grow && !is_end)) return 0;
    const int bytes = static_cast<int>(match.bytes);
    tokens->push_back({match.id, bytes});
    return bytes;
  }

 private:
  const std::string name_;
  const std::vector<std::string> pieces_;  // by id
  int longest_piece_ = 0;
  Digest id_;
  PieceTrie trie_;
};

}  // namespace

std::unique_ptr<Tokenizer> NewWorldTokenizer(std::string name,
                                             std::vector<std::string> pieces) {
  return absl::make_unique<WorldTokenizer>(std::move(name), std::move(pieces));
}

absl::StatusOr<std::unique_ptr<Tokenizer>> LoadWorldTokenizer(
    const std::string& path) {
  ASSIGN_OR_RETURN(InputFile file, InputFile::Open(path));
  if (file.size() > kFileBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": a vocabulary of ", file.size(),
                     " bytes, at most ", kFileBytesMax, " are read"));
  }
  std::string text(file.size(), '\0');
  RETURN_IF_ERROR(file.ReadAt(0, absl::MakeSpan(text.data(), text.size())));
  ASSIGN_OR_RETURN(std::vector<std::string> pieces,
                   ParseWorldVocabulary(text, path));
  return NewWorldTokenizer(
      absl::StrCat("world:", std::filesystem::path(path).filename().string()),
      std::move(pieces));
}

}  // namespace oxbow
