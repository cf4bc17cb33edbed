// Says whether one of a few tokens stands at a place of a text.
#ifndef OXBOW_ENGINE_TOKENIZER_TOKEN_FINDER_H_
#define OXBOW_ENGINE_TOKENIZER_TOKEN_FINDER_H_

#include <bitset>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "engine/tokenizer/piece_trie.h"

namespace oxbow {

// A PieceTrie that knows at a glance where nothing begins. Immutable;
// thread-safe.
class TokenFinder {
 public:
  // Tokens are distinct and not empty.
  explicit TokenFinder(
      const std::vector<std::pair<absl::string_view, int>>& tokens)
      : trie_(tokens) {
    for (const auto& token : tokens) {
      firsts_.set(static_cast<uint8_t>(token.first.front()));
    }
  }

  // The longest token that `text` begins with.
  PieceTrie::Match At(absl::string_view text) const {
    if (text.empty() || !firsts_[static_cast<uint8_t>(text.front())]) {
      return {};
    }
    return trie_.Longest(text);
  }

 private:
  PieceTrie trie_;
  std::bitset<256> firsts_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_TOKEN_FINDER_H_
