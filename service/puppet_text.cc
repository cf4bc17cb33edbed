#include "service/puppet_text.h"

#include <cmath>
#include <string>

namespace oxbow {
namespace {

class PuppetTokenizer : public Tokenizer {
 public:
  std::string name() const override { return "puppet"; }
  Digest id() const override { return Sha256("puppet"); }
  bool reads_text() const override { return true; }
  int id_end() const override { return 257; }
  int longest_piece() const override { return 1; }
  absl::string_view Piece(int id) const override {
    static const std::string* const kPieces = [] {
      auto* pieces = new std::string(256, '\0');
      for (int i = 0; i < 256; ++i) (*pieces)[i] = static_cast<char>(i);
      return pieces;
    }();
    if (id >= 256) return "";
    return absl::string_view(*kPieces).substr(id, 1);
  }
  int end_of_document() const override { return 256; }
  int Next(absl::string_view text, bool is_end,
           std::vector<TextToken>* tokens) const override {
    if (text.empty()) return 0;
    tokens->push_back({static_cast<unsigned char>(text[0]), 1});
    return 1;
  }
};

}  // namespace

std::unique_ptr<Tokenizer> NewPuppetTokenizer() {
  return std::make_unique<PuppetTokenizer>();
}

std::vector<float> CountLetters(absl::string_view text) {
  std::vector<float> counts(kPuppetDimensions, 0.0f);
  for (const char c : text) counts[static_cast<unsigned char>(c) & 31] += 1;
  float sum = 1e-6f;
  for (const float count : counts) sum += count * count;
  for (float& count : counts) count /= std::sqrt(sum);
  return counts;
}

}  // namespace oxbow
