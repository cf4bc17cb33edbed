// Byte pair encoding of one word.
#ifndef OXBOW_ENGINE_TOKENIZER_BYTE_PAIRS_H_
#define OXBOW_ENGINE_TOKENIZER_BYTE_PAIRS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "engine/tokenizer/bpe_spec.h"
#include "engine/tokenizer/text_token.h"

namespace oxbow {

// Sennrich et al., "Neural Machine Translation of Rare Words with Subword
// Units" (2016), over bytes: a word begins as single bytes; as long as a merge
// applies, the one of lowest rank is carried out, the leftmost first.
// Immutable; thread-safe.
class BytePairs {
 public:
  explicit BytePairs(const BpeSpec& spec);

  // Appends the tokens of `word`, which is UTF-8; they end at `begin` + where
  // they end in it. Takes O(n log n).
  void Encode(absl::string_view word, int begin,
              std::vector<TextToken>* tokens) const;

 private:
  struct Merged {
    int rank;
    int id;
  };
  struct Row;

  // Null if the two do not merge.
  const Merged* Find(int left, int right) const;
  void EncodeByMerging(absl::string_view word, int begin,
                       std::vector<TextToken>* tokens) const;

  std::array<int, 256> byte_ids_;
  absl::flat_hash_map<uint64_t, Merged> merges_;  // by left << 32 | right
  // Tokens that merging their own bytes gives back: most words are one.
  absl::flat_hash_map<std::string, int> whole_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_BYTE_PAIRS_H_
