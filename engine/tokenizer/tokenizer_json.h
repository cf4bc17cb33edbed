// Reads Hugging Face tokenizer.json files.
#ifndef OXBOW_ENGINE_TOKENIZER_TOKENIZER_JSON_H_
#define OXBOW_ENGINE_TOKENIZER_TOKENIZER_JSON_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/tokenizer/bpe_spec.h"

namespace oxbow {

// The tokenizer of a file with a byte-level BPE model, GPT-2's pattern and
// normalization form C or none. `file` is what errors call it. Format:
// https://huggingface.co/docs/tokenizers (the JSON is the library's own
// serialization). docs/tokenizers.md lists what is taken and what is not.
//
// InvalidArgument names file, part and fault: not JSON, a key given twice,
// nesting past 16, a part of the wrong type, an id given twice or past 2^20, a
// token of no bytes or more than 1024, a merge of tokens that are not there or
// given twice, a vocabulary that lacks a single byte that occurs in UTF-8.
// Unimplemented names a part that asks for what is not supported.
absl::StatusOr<BpeSpec> ParseTokenizerJson(absl::string_view text,
                                           absl::string_view file);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_TOKENIZER_JSON_H_
