// Greedy longest match over a vocabulary of byte strings.
#ifndef OXBOW_ENGINE_TOKENIZER_WORLD_TOKENIZER_H_
#define OXBOW_ENGINE_TOKENIZER_WORLD_TOKENIZER_H_

#include <memory>
#include <string>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace oxbow {

// Of pieces by id, complete (vocabulary.h); at least one.
std::unique_ptr<Tokenizer> NewWorldTokenizer(std::string name,
                                             std::vector<std::string> pieces);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_WORLD_TOKENIZER_H_
