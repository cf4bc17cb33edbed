// Collects the pieces of a vocabulary.
#ifndef OXBOW_ENGINE_TOKENIZER_VOCABULARY_H_
#define OXBOW_ENGINE_TOKENIZER_VOCABULARY_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"

namespace oxbow {

// Pieces by id, each there once, wherever they come from. Thread-compatible.
class Vocabulary {
 public:
  // InvalidArgument if the id is negative, past 2^20 or there already, or the
  // piece is empty, longer than 1024 bytes or there already.
  absl::Status Add(int64_t id, std::string piece);

  // InvalidArgument unless every text can be tokenized: one of the 256 single
  // bytes is no piece.
  absl::Status CheckComplete() const;

  // The pieces by id, to the last one; ids without one are empty. Leaves
  // nothing.
  std::vector<std::string> Take() { return std::move(pieces_); }

 private:
  std::vector<std::string> pieces_;
  absl::flat_hash_set<std::string> seen_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_VOCABULARY_H_
