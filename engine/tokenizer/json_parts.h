// A tokenizer.json taken apart, before anything in it is understood.
#ifndef OXBOW_ENGINE_TOKENIZER_JSON_PARTS_H_
#define OXBOW_ENGINE_TOKENIZER_JSON_PARTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace oxbow {

// The two long lists, and all the rest by path: "model/type",
// "added_tokens/0/id". Objects and arrays are there too, as empty ones.
struct JsonParts {
  std::map<std::string, nlohmann::json> parts;
  std::vector<std::pair<std::string, uint64_t>> vocabulary;  // model/vocab
  std::vector<std::pair<std::string, std::string>> merges;   // model/merges
  // What is wrong with the lists; empty: nothing.
  std::string vocabulary_fault;
  std::string merges_fault;
};

// InvalidArgument, a sentence without the file's name: not JSON (which
// includes text that is not UTF-8), not an object, a key given twice, nested
// deeper than 16, more than 2^17 parts or 2^20 tokens or merges.
absl::StatusOr<JsonParts> TakeApart(absl::string_view text);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_JSON_PARTS_H_
