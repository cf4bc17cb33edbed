#include "engine/testing/piece_tokenizer.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace oxbow {

PieceTokenizer::PieceTokenizer(const std::vector<std::string>& pieces) {
  pieces_.push_back("");
  for (int byte = 0; byte < 256; ++byte) {
    pieces_.push_back(std::string(1, static_cast<char>(byte)));
  }
  for (const std::string& piece : pieces) {
    pieces_.push_back(piece);
    longest_piece_ = std::max(longest_piece_, static_cast<int>(piece.size()));
  }
  for (int id = 1; id < control_id(); ++id) {
    const unsigned char first = pieces_[id].front();
    ids_by_byte_[first].push_back(id);
  }
}

int PieceTokenizer::IdOf(absl::string_view piece) const {
  for (size_t id = 1; id < pieces_.size(); ++id) {
    if (pieces_[id] == piece) return static_cast<int>(id);
  }
  return -1;
}

Digest PieceTokenizer::id() const {
  Sha256Hasher hasher;
  for (const std::string& piece : pieces_) hasher.AddSized(piece);
  return hasher.Finish();
}

absl::string_view PieceTokenizer::Piece(int id) const {
  const bool has_piece = id >= 0 && id < static_cast<int>(pieces_.size());
  return has_piece ? absl::string_view(pieces_[id]) : absl::string_view();
}

int PieceTokenizer::Next(absl::string_view text, bool is_end,
                         std::vector<TextToken>* tokens) const {
  if (text.empty()) return 0;
  int longest = 0;
  int id = -1;
  for (int candidate : ids_by_byte_[static_cast<unsigned char>(text[0])]) {
    const std::string& piece = pieces_[candidate];
    if (!is_end && piece.size() > text.size() &&
        absl::StartsWith(piece, text)) {
      return 0;  // The text may yet become this piece.
    }
    if (static_cast<int>(piece.size()) > longest &&
        absl::StartsWith(text, piece)) {
      longest = static_cast<int>(piece.size());
      id = candidate;
    }
  }
  tokens->push_back({id, longest});
  return longest;
}

}  // namespace oxbow
