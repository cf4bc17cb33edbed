// A tokenizer.json of our own, for tests.
#ifndef OXBOW_ENGINE_TOKENIZER_TESTING_SMALL_BPE_H_
#define OXBOW_ENGINE_TOKENIZER_TESTING_SMALL_BPE_H_

#include <string>

#include "nlohmann/json.hpp"

namespace oxbow {

// Built like the 20B one of RWKV-4 Pile: the 243 bytes that occur in UTF-8,
// some merges (English, CJK, emoji, marks, runs of one letter), NFC, special
// tokens <|endoftext|> (id 0) and <|pad|> (id 1), runs of 2 to 6 spaces as
// added tokens, one added token that normalization changes ("e" + U+0301 + "!")
// and one found before normalization ("[x]"). Fewer than 350 ids.
nlohmann::json SmallBpe();

// Writes it to a file, whose path it returns.
std::string WriteSmallBpe(const std::string& path);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_TESTING_SMALL_BPE_H_
