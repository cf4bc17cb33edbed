// Finds the longest vocabulary entry a text begins with.
#ifndef OXBOW_ENGINE_TOKENIZER_PIECE_TRIE_H_
#define OXBOW_ENGINE_TOKENIZER_PIECE_TRIE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace oxbow {

// A trie over bytes. The children of a node lie side by side, in the order of
// their bytes: seven bytes a node, and a step looks at one short run of bytes.
// Immutable; thread-safe.
class PieceTrie {
 public:
  // An empty trie: nothing matches.
  PieceTrie() : PieceTrie(std::vector<std::pair<absl::string_view, int>>()) {}
  // Pieces are distinct and not empty; ids are not negative.
  explicit PieceTrie(std::vector<std::pair<absl::string_view, int>> pieces);

  struct Match {
    size_t bytes = 0;  // of the longest piece; 0 if there is none
    int id = -1;
    // True if `text` ended while a longer piece was still possible.
    bool may_grow = false;
  };
  Match Longest(absl::string_view text) const;

 private:
  // The child of `node` by `byte`; 0, the root, if there is none.
  uint32_t Child(uint32_t node, uint8_t byte) const;

  // By node: its byte, its id (-1: no piece ends here), its first child. The
  // children end where those of the next node begin.
  std::vector<uint8_t> bytes_;
  std::vector<int32_t> ids_;
  std::vector<uint32_t> first_children_;  // one more than there are nodes
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_PIECE_TRIE_H_
