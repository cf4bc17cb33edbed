// Reads the vocabulary that a GGUF file of an RWKV model holds.
#ifndef OXBOW_ENGINE_TOKENIZER_GGUF_VOCABULARY_H_
#define OXBOW_ENGINE_TOKENIZER_GGUF_VOCABULARY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/weights/input_file.h"

namespace oxbow {

// The bytes of a token's text as llama.cpp's converter writes them: with the
// escapes of Python's repr(bytes), that is \t \n \r \\ \' \" and \xNN. Other
// bytes stand for themselves. InvalidArgument for another escape.
absl::StatusOr<std::string> UnescapeGgufToken(absl::string_view text);

// The pieces by id, to the last one; ids without one are empty: CONTROL and
// UNUSED tokens ("<s>" at 0, "[PAD65530]") are no pieces of text, although
// llama.cpp matches them.
//
// NotFound if the file embeds no tokenizer. Unimplemented for one that is not
// "rwkv". InvalidArgument, in a sentence with the token's number, for what
// vocabulary.h refuses, and the errors of ReadGgufHeader().
absl::StatusOr<std::vector<std::string>> ReadGgufVocabulary(
    const InputFile& file);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_GGUF_VOCABULARY_H_
