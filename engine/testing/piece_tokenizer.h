// A tokenizer whose vocabulary a test writes down, for tests.
#ifndef OXBOW_ENGINE_TESTING_PIECE_TOKENIZER_H_
#define OXBOW_ENGINE_TESTING_PIECE_TOKENIZER_H_

#include <array>
#include <string>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace oxbow {

// Ids 1 .. 256 are the single bytes, 257 .. the pieces in the order given;
// id 0 is the end of a document and has no bytes, as have the ids from
// control_id() on. Written without a trie, as the words of Tokenizer::Next()
// stand, so that it may be held against what is fast.
class PieceTokenizer : public Tokenizer {
 public:
  explicit PieceTokenizer(const std::vector<std::string>& pieces);

  // The id of a piece; -1 if it is none.
  int IdOf(absl::string_view piece) const;
  // An id without bytes that is not the end of a document.
  int control_id() const { return static_cast<int>(pieces_.size()); }

  std::string name() const override { return "pieces"; }
  Digest id() const override;
  bool reads_text() const override { return true; }
  int id_end() const override { return control_id() + 1; }
  int longest_piece() const override { return longest_piece_; }
  absl::string_view Piece(int id) const override;
  int end_of_document() const override { return 0; }
  int Next(absl::string_view text, bool is_end,
           std::vector<TextToken>* tokens) const override;

 private:
  std::vector<std::string> pieces_;                // by id
  std::array<std::vector<int>, 256> ids_by_byte_;  // by a piece's first byte
  int longest_piece_ = 1;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TESTING_PIECE_TOKENIZER_H_
