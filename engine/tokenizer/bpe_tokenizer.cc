#include "engine/tokenizer/bpe_tokenizer.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/memory/memory.h"
#include "base/check.h"
#include "engine/tokenizer/byte_pairs.h"
#include "engine/tokenizer/text_window.h"
#include "engine/tokenizer/token_finder.h"
#include "engine/tokenizer/word_reader.h"
#include "unicode/uchar.h"

namespace oxbow {
namespace {

constexpr absl::string_view kEndOfDocument = "<|endoftext|>";

// Classes and normalization of characters come from this machine's tables.
std::string UnicodeVersion() {
  UVersionInfo version;
  u_getUnicodeVersion(version);
  char text[U_MAX_VERSION_STRING_LENGTH];
  u_versionToString(version, text);
  return text;
}

Digest DigestOf(const BpeSpec& spec) {
  Sha256Hasher hasher;
  hasher.AddSized("oxbow tokenizer bpe 1");
  hasher.AddSized(UnicodeVersion());
  hasher.AddNumber(spec.normalizes);
  hasher.AddNumber(spec.pieces.size());
  for (const std::string& piece : spec.pieces) hasher.AddSized(piece);
  for (int id : spec.byte_ids) hasher.AddNumber(id);
  hasher.AddNumber(spec.merges.size());
  for (const BpeSpec::Merge& merge : spec.merges) {
    hasher.AddNumber(merge.left);
    hasher.AddNumber(merge.right);
    hasher.AddNumber(merge.merged);
  }
  hasher.AddNumber(spec.added.size());
  for (const BpeSpec::AddedToken& added : spec.added) {
    hasher.AddNumber(added.id);
    hasher.AddSized(added.content);
    hasher.AddNumber(added.is_special);
    hasher.AddNumber(added.in_normalized);
  }
  return hasher.Finish();
}

// What a text becomes that has fewer bytes than a window.
std::string Normalized(const std::string& text) {
  const TokenFinder none({});
  TextWindow window(text, /*is_end=*/true, /*normalizes=*/true, &none);
  while (window.ReadSegment()) {
  }
  return std::string(window.normalized());
}

// The added tokens to be found before normalization, or in its result.
TokenFinder FinderOf(const BpeSpec& spec, bool in_normalized) {
  std::vector<std::string> contents;
  std::vector<int> ids;
  for (const BpeSpec::AddedToken& added : spec.added) {
    if (added.in_normalized != in_normalized) continue;
    contents.push_back(in_normalized && spec.normalizes
                           ? Normalized(added.content)
                           : added.content);
    ids.push_back(added.id);
  }
  absl::flat_hash_set<absl::string_view> seen;
  std::vector<std::pair<absl::string_view, int>> tokens;
  for (size_t i = 0; i < contents.size(); ++i) {
    // Normalized, two of them may be one: the first counts.
    if (seen.insert(contents[i]).second) {
      tokens.emplace_back(contents[i], ids[i]);
    }
  }
  return TokenFinder(tokens);
}

class BpeTokenizer : public Tokenizer {
 public:
  BpeTokenizer(std::string name, BpeSpec spec)
      : name_(std::move(name)),
        id_(DigestOf(spec)),
        normalizes_(spec.normalizes),
        pairs_(spec),
        stops_(FinderOf(spec, /*in_normalized=*/false)),
        added_(FinderOf(spec, /*in_normalized=*/true)) {
    size_t seen_behind = U8_MAX_LENGTH;
    for (const BpeSpec::AddedToken& added : spec.added) {
      seen_behind = std::max(seen_behind, added.content.size());
      if (!added.is_special) continue;
      spec.pieces[added.id].clear();
      if (added.content == kEndOfDocument) end_of_document_ = added.id;
    }
    longest_piece_ = static_cast<int>(
        TextWindow::kBytesMax + TextWindow::kSegmentBytesMax + seen_behind);
    pieces_ = std::move(spec.pieces);
  }

  std::string name() const override { return name_; }
  Digest id() const override { return id_; }
  bool reads_text() const override { return true; }
  int id_end() const override { return static_cast<int>(pieces_.size()); }
  int longest_piece() const override { return longest_piece_; }
  int closed_tail() const override { return longest_piece_ - 1; }
  absl::string_view Piece(int id) const override {
    OXBOW_CHECK(id >= 0) << id;
    // Models may use ids past the vocabulary, all of them control ids.
    return id < id_end() ? absl::string_view(pieces_[id]) : "";
  }
  int end_of_document() const override { return end_of_document_; }

  int Next(absl::string_view text, bool is_end,
           std::vector<TextToken>* tokens) const override;

 private:
  // Reads items up to a place where the text may be cut; returns how many
  // characters that are. Token ends are places in window.normalized().
  size_t ReadUnit(TextWindow* window, std::vector<TextToken>* tokens) const;

  const std::string name_;
  const Digest id_;
  const bool normalizes_;
  const BytePairs pairs_;
  const TokenFinder stops_;  // found before normalization
  const TokenFinder added_;  // found after it
  std::vector<std::string> pieces_;
  int longest_piece_ = 0;
  int end_of_document_ = -1;
};

size_t BpeTokenizer::ReadUnit(TextWindow* window,
                              std::vector<TextToken>* tokens) const {
  WordReader reader(window, &added_);
  size_t index = 0;
  int items_left = 0;  // before the text may be cut
  do {
    const WordReader::Item item = reader.ItemAt(index);
    if (window->undecided()) return 0;
    items_left = item.leaves_space ? 2 : items_left - 1;
    const size_t begin = window->begin(item.begin);
    const size_t end = window->begin(item.end);
    if (item.added_id >= 0) {
      tokens->push_back({item.added_id, static_cast<int>(end)});
    } else {
      pairs_.Encode(window->normalized().substr(begin, end - begin),
                    static_cast<int>(begin), tokens);
    }
    index = item.end;
  } while (items_left > 0 || !window->begins_segment(index));
  return index;
}

int BpeTokenizer::Next(absl::string_view text, bool is_end,
                       std::vector<TextToken>* tokens) const {
  const PieceTrie::Match stop = stops_.At(text);
  if (stop.may_grow && !is_end) return 0;
  if (stop.bytes > 0) {
    const int bytes = static_cast<int>(stop.bytes);
    tokens->push_back({stop.id, bytes});
    return bytes;
  }
  TextWindow window(text, is_end, normalizes_, &stops_);
  if (!window.Has(0)) return 0;
  const size_t first = tokens->size();
  const size_t characters = ReadUnit(&window, tokens);
  if (window.undecided()) {
    tokens->resize(first);
    return 0;
  }
  size_t index = 0;
  for (size_t i = first; i < tokens->size(); ++i) {
    TextToken& token = (*tokens)[i];
    token.end = static_cast<int>(window.SourceOf(token.end, &index));
  }
  index = characters;
  const size_t end = window.SourceOf(window.begin(characters), &index);
  tokens->back().end = static_cast<int>(end);
  return static_cast<int>(end);
}

}  // namespace

std::unique_ptr<Tokenizer> NewBpeTokenizer(std::string name, BpeSpec spec) {
  return absl::make_unique<BpeTokenizer>(std::move(name), std::move(spec));
}

}  // namespace oxbow
