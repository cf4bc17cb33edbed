#include "engine/tokenizer/byte_pairs.h"

#include <queue>
#include <tuple>

namespace oxbow {
namespace {

uint64_t KeyOf(int left, int right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
}

}  // namespace

// A word on its way: symbols, each of which begins at the byte of its index.
struct BytePairs::Row {
  struct Symbol {
    int id;    // -1: a symbol further left has taken it over
    int next;  // where the next one begins; the word's size if it is the last
    int previous;  // -1: it is the first
  };
  struct Candidate {
    int rank;
    int left;  // index of a symbol
    bool operator<(const Candidate& other) const {
      return std::tie(rank, left) > std::tie(other.rank, other.left);
    }
  };
  std::vector<Symbol> symbols;
  std::priority_queue<Candidate> candidates;  // the lowest rank on top
};

BytePairs::BytePairs(const BpeSpec& spec) : byte_ids_(spec.byte_ids) {
  merges_.reserve(spec.merges.size());
  int rank = 0;
  for (const BpeSpec::Merge& merge : spec.merges) {
    merges_[KeyOf(merge.left, merge.right)] = {rank++, merge.merged};
  }
  std::vector<TextToken> tokens;
  for (const BpeSpec::Merge& merge : spec.merges) {
    const std::string& piece = spec.pieces[merge.merged];
    tokens.clear();
    EncodeByMerging(piece, 0, &tokens);
    if (tokens.size() == 1) whole_[piece] = tokens.front().id;
  }
}

const BytePairs::Merged* BytePairs::Find(int left, int right) const {
  const auto found = merges_.find(KeyOf(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

void BytePairs::Encode(absl::string_view word, int begin,
                       std::vector<TextToken>* tokens) const {
  const auto whole = whole_.find(word);
  if (whole == whole_.end()) return EncodeByMerging(word, begin, tokens);
  tokens->push_back({whole->second, begin + static_cast<int>(word.size())});
}

void BytePairs::EncodeByMerging(absl::string_view word, int begin,
                                std::vector<TextToken>* tokens) const {
  const int size = static_cast<int>(word.size());
  Row row;
  row.symbols.reserve(size);
  for (int i = 0; i < size; ++i) {
    row.symbols.push_back(
        {byte_ids_[static_cast<uint8_t>(word[i])], i + 1, i - 1});
  }
  // What the symbol at `left` and the next one would become.
  const auto offer = [&](int left) {
    const int right = row.symbols[left].next;
    if (right == size) return;
    const Merged* merged = Find(row.symbols[left].id, row.symbols[right].id);
    if (merged != nullptr) row.candidates.push({merged->rank, left});
  };
  for (int i = 0; i < size; ++i) offer(i);
  while (!row.candidates.empty()) {
    const Row::Candidate candidate = row.candidates.top();
    row.candidates.pop();
    Row::Symbol& left = row.symbols[candidate.left];
    if (left.id < 0 || left.next == size) continue;
    Row::Symbol& right = row.symbols[left.next];
    const Merged* merged = Find(left.id, right.id);
    // The candidate may be older than its symbols: a rank belongs to one pair.
    if (merged == nullptr || merged->rank != candidate.rank) continue;
    left.id = merged->id;
    left.next = right.next;
    right.id = -1;
    if (left.next < size) row.symbols[left.next].previous = candidate.left;
    if (left.previous >= 0) offer(left.previous);
    offer(candidate.left);
  }
  for (int i = 0; i < size; i = row.symbols[i].next) {
    tokens->push_back({row.symbols[i].id, begin + row.symbols[i].next});
  }
}

}  // namespace oxbow
