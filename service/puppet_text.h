// How the puppet engine reads text.
#ifndef OXBOW_SERVICE_PUPPET_TEXT_H_
#define OXBOW_SERVICE_PUPPET_TEXT_H_

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "engine/tokenizer/tokenizer.h"

namespace oxbow {

inline constexpr int kPuppetDimensions = 32;

// id = byte; id 256 is the end of a document, without bytes.
std::unique_ptr<Tokenizer> NewPuppetTokenizer();

// How often each letter stands in the text, scaled to length 1.
std::vector<float> CountLetters(absl::string_view text);

}  // namespace oxbow

#endif  // OXBOW_SERVICE_PUPPET_TEXT_H_
