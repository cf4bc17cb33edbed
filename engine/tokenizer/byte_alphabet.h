// The characters that stand for bytes in byte-level BPE vocabularies.
#ifndef OXBOW_ENGINE_TOKENIZER_BYTE_ALPHABET_H_
#define OXBOW_ENGINE_TOKENIZER_BYTE_ALPHABET_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace oxbow {

// The bytes a piece of a vocabulary stands for; nullopt if one of its
// characters stands for none. `piece` is valid UTF-8.
//
// GPT-2's alphabet: the bytes 0x21..0x7E, 0xA1..0xAC and 0xAE..0xFF are the
// characters of the same number; the other 68 bytes, in order, are U+0100,
// U+0101 and so on.
absl::optional<std::string> BytesOfPiece(absl::string_view piece);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_BYTE_ALPHABET_H_
