// Cuts the beginning of a text into added tokens and words.
#ifndef OXBOW_ENGINE_TOKENIZER_WORD_READER_H_
#define OXBOW_ENGINE_TOKENIZER_WORD_READER_H_

#include "absl/strings/string_view.h"
#include "engine/tokenizer/text_window.h"
#include "engine/tokenizer/token_finder.h"

namespace oxbow {

// Goes through a window item by item. Added tokens are found first, leftmost
// and longest; between them lie words, as this pattern cuts them (GPT-2,
// Radford et al. 2019):
//
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// One thread only. Borrows the window and the tokens.
class WordReader {
 public:
  struct Item {
    size_t begin = 0;  // characters of the window
    size_t end = 0;
    int added_id = -1;  // -1: a word
    // Spaces that leave their last one to stand alone before another word. If
    // the text ended behind that one, it would be theirs: no text may be cut
    // before the end of the item after it.
    bool leaves_space = false;
  };

  WordReader(TextWindow* window, const TokenFinder* added)
      : window_(window), added_(added) {}

  // The item that begins at a character; it has at least one.
  Item ItemAt(size_t begin);

 private:
  PieceTrie::Match AddedAt(size_t index);
  // Whether the text that the pattern sees goes on with this character.
  bool Continues(size_t index) {
    return window_->Has(index) && AddedAt(index).bytes == 0;
  }
  bool Is(size_t index, char c) const {
    return window_->normalized()[window_->begin(index)] == c;
  }
  void ReadWord(Item* word);
  size_t EndOfContraction(size_t begin);
  size_t EndOfRun(size_t begin);

  TextWindow* const window_;
  const TokenFinder* const added_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_WORD_READER_H_
