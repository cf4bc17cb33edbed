// A token of a text.
#ifndef OXBOW_ENGINE_TOKENIZER_TEXT_TOKEN_H_
#define OXBOW_ENGINE_TOKENIZER_TEXT_TOKEN_H_

namespace oxbow {

struct TextToken {
  int id = -1;
  // Where it ends, in bytes from the beginning of the text. A token inside a
  // unit may end where the one before it does.
  int end = 0;

  friend bool operator==(const TextToken& a, const TextToken& b) {
    return a.id == b.id && a.end == b.end;
  }
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_TEXT_TOKEN_H_
