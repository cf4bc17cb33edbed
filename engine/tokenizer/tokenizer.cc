#include "engine/tokenizer/tokenizer.h"

#include "base/check.h"

namespace oxbow {

std::vector<int> Tokenize(const Tokenizer& tokenizer, absl::string_view text) {
  std::vector<int> ids;
  while (!text.empty()) {
    int id = -1;
    const int bytes = tokenizer.Next(text, /*is_end=*/true, &id);
    OXBOW_CHECK(bytes > 0) << tokenizer.name();
    ids.push_back(id);
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
