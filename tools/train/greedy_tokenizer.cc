// Greedy longest match over a byte trie: the World tokenizer's rule.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

struct Node {
  std::array<int32_t, 256> next{};  // 0: none (the root is nobody's child)
  int32_t id = -1;
};

}  // namespace

struct Trie {
  std::vector<Node> nodes = std::vector<Node>(1);
};

extern "C" {

Trie* TrieNew() { return new Trie; }

void TrieDelete(Trie* trie) { delete trie; }

void TrieAdd(Trie* trie, const uint8_t* piece, size_t size, int32_t id) {
  int32_t at = 0;
  for (size_t i = 0; i < size; ++i) {
    int32_t next = trie->nodes[at].next[piece[i]];
    if (next == 0) {
      next = static_cast<int32_t>(trie->nodes.size());
      trie->nodes[at].next[piece[i]] = next;
      trie->nodes.emplace_back();
    }
    at = next;
  }
  trie->nodes[at].id = id;
}

// Tokenizes text into `ids`, which must hold text_bytes; returns their number.
// A zero byte ends a document and becomes id 0. All single bytes must be in the
// trie, so that there is always a match.
size_t TrieEncode(const Trie* trie, const uint8_t* text, size_t text_bytes,
                  uint16_t* ids) {
  size_t count = 0;
  for (size_t at = 0; at < text_bytes;) {
    if (text[at] == 0) {
      ids[count++] = 0;
      ++at;
      continue;
    }
    int32_t node = 0;
    int32_t best_id = 0;
    size_t best_end = at + 1;
    for (size_t i = at; i < text_bytes && text[i] != 0; ++i) {
      node = trie->nodes[node].next[text[i]];
      if (node == 0) break;
      if (trie->nodes[node].id < 0) continue;
      best_id = trie->nodes[node].id;
      best_end = i + 1;
    }
    ids[count++] = static_cast<uint16_t>(best_id);
    at = best_end;
  }
  return count;
}

}  // extern "C"
