// The tokenizers without a vocabulary file: bytes, and none.
#include <array>

#include "absl/memory/memory.h"
#include "base/check.h"
#include "engine/tokenizer/tokenizer.h"

namespace oxbow {
namespace {

class BytesTokenizer : public Tokenizer {
 public:
  BytesTokenizer() {
    for (int byte = 0; byte < 256; ++byte) {
      bytes_[byte] = static_cast<char>(byte);
    }
  }

  std::string name() const override { return "bytes"; }
  Digest id() const override { return Sha256("oxbow tokenizer bytes"); }
  bool reads_text() const override { return true; }
  int id_end() const override { return 256; }
  int longest_piece() const override { return 1; }
  absl::string_view Piece(int id) const override {
    OXBOW_CHECK(id >= 0) << id;
    return id < 256 ? absl::string_view(&bytes_[id], 1) : "";
  }
  int end_of_document() const override { return -1; }
  int Next(absl::string_view text, bool is_end,
           std::vector<TextToken>* tokens) const override {
    if (text.empty()) return 0;
    tokens->push_back({static_cast<uint8_t>(text[0]), 1});
    return 1;
  }

 private:
  std::array<char, 256> bytes_;
};

class NoTokenizer : public Tokenizer {
 public:
  explicit NoTokenizer(int id_end) : id_end_(id_end) {}

  std::string name() const override { return "none"; }
  Digest id() const override { return Sha256("oxbow tokenizer none"); }
  bool reads_text() const override { return false; }
  int id_end() const override { return id_end_; }
  int longest_piece() const override { return 0; }
  absl::string_view Piece(int id) const override { return ""; }
  int end_of_document() const override { return 0; }
  int Next(absl::string_view text, bool is_end,
           std::vector<TextToken>* tokens) const override {
    OXBOW_CHECK(text.empty()) << "text for a tokenizer that reads none";
    return 0;
  }

 private:
  const int id_end_;
};

}  // namespace

std::unique_ptr<Tokenizer> NewBytesTokenizer() {
  return absl::make_unique<BytesTokenizer>();
}

std::unique_ptr<Tokenizer> NewNoTokenizer(int id_end) {
  return absl::make_unique<NoTokenizer>(id_end);
}

}  // namespace oxbow
