// Byte-level BPE as a Tokenizer.
#ifndef OXBOW_ENGINE_TOKENIZER_BPE_TOKENIZER_H_
#define OXBOW_ENGINE_TOKENIZER_BPE_TOKENIZER_H_

#include <memory>
#include <string>

#include "engine/tokenizer/bpe_spec.h"
#include "engine/tokenizer/tokenizer.h"

namespace oxbow {

// Words are those of GPT-2's pattern (word_reader.h). A unit is the shortest
// row of added tokens and words that ends where the text, normalized or not,
// may be cut: nearly always one of them. docs/tokenizers.md has the rules.
std::unique_ptr<Tokenizer> NewBpeTokenizer(std::string name, BpeSpec spec);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_BPE_TOKENIZER_H_
