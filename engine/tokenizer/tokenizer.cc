#include "engine/tokenizer/tokenizer.h"

#include "base/check.h"

namespace oxbow {

std::vector<int> Tokenize(const Tokenizer& tokenizer, absl::string_view text) {
  std::vector<int> ids;
  std::vector<TextToken> unit;
  while (!text.empty()) {
    unit.clear();
    const int bytes = tokenizer.Next(text, /*is_end=*/true, &unit);
    OXBOW_CHECK(bytes > 0) << tokenizer.name();
    for (const TextToken& token : unit) ids.push_back(token.id);
    text.remove_prefix(bytes);
  }
  return ids;
}

std::string Detokenize(const Tokenizer& tokenizer,
                       const std::vector<int>& ids) {
  std::string text;
  for (int id : ids) {
    const absl::string_view piece = tokenizer.Piece(id);
    text.append(piece.data(), piece.size());
  }
  return text;
}

}  // namespace oxbow
