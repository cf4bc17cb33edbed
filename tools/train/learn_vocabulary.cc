// Learns the pieces of a World-format vocabulary from text.
//
// Text is cut into words (see WordEnd). Byte pairs are merged over the counts
// of the distinct words until there are a quarter more pieces than wanted; then
// the words are tokenized greedily, as the server will, and the pieces that
// save the fewest tokens are dropped, until the wanted number is left. What is
// kept is therefore what greedy longest match uses, not what merging used.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <numeric>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

constexpr int kBytes = 256;
constexpr size_t kWordBytesMax = 32;
constexpr size_t kDigitsMax = 3;
constexpr int64_t kWordCountMin = 3;
constexpr size_t kWordsMax = 300000;
constexpr double kSurplus = 1.25;

enum class Kind { kLetter, kDigit, kSpace, kNewline, kOther };

Kind KindOf(uint8_t c) {
  if (c >= 128 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
    return Kind::kLetter;
  }
  if (c >= '0' && c <= '9') return Kind::kDigit;
  if (c == ' ') return Kind::kSpace;
  if (c == '\n') return Kind::kNewline;
  return Kind::kOther;
}

// A word is an optional blank and a run of one kind of byte. A run of blanks
// leaves its last one to the word that follows. Zero bytes end documents.
size_t WordEnd(const std::string& text, size_t begin) {
  size_t i = begin;
  if (text[i] == ' ' && i + 1 < text.size() && text[i + 1] != '\0' &&
      KindOf(text[i + 1]) != Kind::kSpace &&
      KindOf(text[i + 1]) != Kind::kNewline) {
    ++i;
  }
  const Kind kind = KindOf(text[i]);
  const size_t run = i;
  while (i < text.size() && text[i] != '\0' && KindOf(text[i]) == kind &&
         i - begin < kWordBytesMax &&
         (kind != Kind::kDigit || i - run < kDigitsMax)) {
    ++i;
  }
  const bool before_word = i < text.size() && text[i] != '\0' &&
                           KindOf(text[i]) != Kind::kSpace &&
                           KindOf(text[i]) != Kind::kNewline;
  if (kind == Kind::kSpace && i - run > 1 && before_word) --i;
  return i;
}

struct Word {
  int64_t count;
  std::string bytes;
};

std::vector<Word> CountWords(const std::string& text) {
  std::unordered_map<std::string, int64_t> counts;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == '\0') {
      ++i;
      continue;
    }
    const size_t end = WordEnd(text, i);
    ++counts[text.substr(i, end - i)];
    i = end;
  }
  std::vector<Word> words;
  for (const auto& [bytes, count] : counts) {
    if (count >= kWordCountMin) words.push_back({count, bytes});
  }
  std::sort(words.begin(), words.end(), [](const Word& a, const Word& b) {
    return a.count != b.count ? a.count > b.count : a.bytes < b.bytes;
  });
  if (words.size() > kWordsMax) words.resize(kWordsMax);
  return words;
}

// Merges the most frequent neighbouring pair, again and again.
class PairMerger {
 public:
  explicit PairMerger(const std::vector<Word>& words) : words_(words) {
    for (int byte = 0; byte < kBytes; ++byte) {
      pieces_.push_back(std::string(1, static_cast<char>(byte)));
    }
    for (size_t w = 0; w < words.size(); ++w) {
      split_.emplace_back();
      for (const uint8_t byte : words[w].bytes) split_[w].push_back(byte);
      AddPairs(w, +1);
    }
    for (const auto& [pair, count] : counts_) queue_.push({count, pair});
  }

  std::set<std::string> MergeUntil(size_t pieces_count) {
    std::set<std::string> learnt;
    while (learnt.size() < pieces_count && !queue_.empty()) {
      const auto [count, pair] = queue_.top();
      queue_.pop();
      const int64_t now = counts_[pair];
      if (now != count) {
        if (now > 0 && now < count) queue_.push({now, pair});
        continue;
      }
      learnt.insert(Merge(pair));
    }
    return learnt;
  }

 private:
  using Pair = std::pair<int, int>;

  void AddPairs(size_t w, int sign) {
    const std::vector<int>& split = split_[w];
    for (size_t i = 0; i + 1 < split.size(); ++i) {
      const Pair pair{split[i], split[i + 1]};
      counts_[pair] += sign * words_[w].count;
      if (sign > 0) {
        holders_[pair].push_back(static_cast<int>(w));
        touched_.insert(pair);
      }
    }
  }

  std::string Merge(Pair pair) {
    const int merged = static_cast<int>(pieces_.size());
    pieces_.push_back(pieces_[pair.first] + pieces_[pair.second]);
    std::vector<int> holders = std::move(holders_[pair]);
    holders_.erase(pair);
    std::sort(holders.begin(), holders.end());
    holders.erase(std::unique(holders.begin(), holders.end()), holders.end());
    touched_.clear();
    for (const int w : holders) {
      AddPairs(w, -1);
      Replace(split_[w], pair, merged);
      AddPairs(w, +1);
    }
    for (const Pair& changed : touched_) {
      if (counts_[changed] > 0) queue_.push({counts_[changed], changed});
    }
    return pieces_[merged];
  }

  static void Replace(std::vector<int>& split, Pair pair, int merged) {
    size_t out = 0;
    for (size_t i = 0; i < split.size(); ++i) {
      const bool match = i + 1 < split.size() && split[i] == pair.first &&
                         split[i + 1] == pair.second;
      split[out++] = match ? merged : split[i];
      if (match) ++i;
    }
    split.resize(out);
  }

  const std::vector<Word>& words_;
  std::vector<std::string> pieces_;
  std::vector<std::vector<int>> split_;
  std::map<Pair, int64_t> counts_;
  std::map<Pair, std::vector<int>> holders_;
  std::set<Pair> touched_;
  std::priority_queue<std::pair<int64_t, Pair>> queue_;
};

// How often greedy longest match uses each piece; single bytes are not counted.
std::vector<int64_t> GreedyUses(const std::vector<std::string>& pieces,
                                const std::vector<Word>& words) {
  std::unordered_map<std::string, int> ids;
  size_t longest = 1;
  for (size_t i = 0; i < pieces.size(); ++i) {
    ids[pieces[i]] = static_cast<int>(i);
    longest = std::max(longest, pieces[i].size());
  }
  std::vector<int64_t> uses(pieces.size());
  for (const Word& word : words) {
    for (size_t at = 0; at < word.bytes.size();) {
      size_t size = std::min(longest, word.bytes.size() - at);
      for (; size > 1; --size) {
        const auto found = ids.find(word.bytes.substr(at, size));
        if (found == ids.end()) continue;
        uses[found->second] += word.count;
        break;
      }
      at += size;
    }
  }
  return uses;
}

std::vector<std::string> DropSurplus(const std::set<std::string>& learnt,
                                     const std::vector<Word>& words,
                                     size_t wanted) {
  std::vector<std::string> pieces(learnt.begin(), learnt.end());
  while (pieces.size() > wanted) {
    const std::vector<int64_t> uses = GreedyUses(pieces, words);
    std::vector<int> order(pieces.size());
    std::iota(order.begin(), order.end(), 0);
    const auto saved = [&](int i) {
      return uses[i] * static_cast<int64_t>(pieces[i].size() - 1);
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return saved(a) > saved(b); });
    const size_t surplus = pieces.size() - wanted;
    const size_t dropped = std::min(surplus, std::max<size_t>(50, surplus / 3));
    std::vector<std::string> kept;
    for (size_t i = 0; i < pieces.size() - dropped; ++i) {
      kept.push_back(pieces[order[i]]);
    }
    pieces = std::move(kept);
  }
  std::sort(pieces.begin(), pieces.end(),
            [](const std::string& a, const std::string& b) {
              return a.size() != b.size() ? a.size() < b.size() : a < b;
            });
  return pieces;
}

}  // namespace

// Writes up to `wanted` pieces of two or more bytes to `out`, each as one
// length byte and its bytes, shortest first. Returns the bytes written; `out`
// must hold wanted * 33.
extern "C" size_t LearnPieces(const char* text, size_t text_bytes,
                              size_t wanted, char* out) {
  const std::vector<Word> words = CountWords(std::string(text, text_bytes));
  PairMerger merger(words);
  const auto learnt = merger.MergeUntil(static_cast<size_t>(wanted * kSurplus));
  char* at = out;
  for (const std::string& piece : DropSurplus(learnt, words, wanted)) {
    *at++ = static_cast<char>(piece.size());
    std::memcpy(at, piece.data(), piece.size());
    at += piece.size();
  }
  return at - out;
}
