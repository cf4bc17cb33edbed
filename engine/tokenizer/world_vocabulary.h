// Reads vocabulary files of RWKV World models.
#ifndef OXBOW_ENGINE_TOKENIZER_WORLD_VOCABULARY_H_
#define OXBOW_ENGINE_TOKENIZER_WORLD_VOCABULARY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace oxbow {

// The pieces by id; ids without one are empty. See LoadWorldTokenizer for the
// format and the errors; `file` is what they call it.
absl::StatusOr<std::vector<std::string>> ParseWorldVocabulary(
    absl::string_view text, absl::string_view file);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_WORLD_VOCABULARY_H_
