// What a byte-level BPE tokenizer consists of, whatever file it came from.
#ifndef OXBOW_ENGINE_TOKENIZER_BPE_SPEC_H_
#define OXBOW_ENGINE_TOKENIZER_BPE_SPEC_H_

#include <array>
#include <string>
#include <vector>

namespace oxbow {

struct BpeSpec {
  // Two tokens that, side by side, become one.
  struct Merge {
    int left = -1;
    int right = -1;
    int merged = -1;  // its bytes are those of left and right
  };
  // A string that is found in the text before anything else is looked at.
  struct AddedToken {
    int id = -1;
    std::string content;  // not empty, UTF-8
    // Stands for no bytes when decoded: the end of a document and the like.
    bool is_special = false;
    // Looked for in the normalized text, where special ones were not found;
    // then the content is normalized, too.
    bool in_normalized = false;
  };

  // Whether the text is brought into Unicode's normalization form C first.
  bool normalizes = false;
  // The bytes of each id, those of special tokens included; empty: no such id.
  std::vector<std::string> pieces;
  // The ids of the single bytes; -1 for those that never occur in UTF-8 and
  // have none.
  std::array<int, 256> byte_ids{};
  // The first of them that applies anywhere in a word is carried out first.
  // No pair is there twice.
  std::vector<Merge> merges;
  std::vector<AddedToken> added;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_BPE_SPEC_H_
