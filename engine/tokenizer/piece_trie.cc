#include "engine/tokenizer/piece_trie.h"

#include <algorithm>

namespace oxbow {
namespace {

// The pieces below a node: a range of the sorted list.
struct Below {
  size_t begin, end;
  size_t depth;  // bytes they share
};

}  // namespace

PieceTrie::PieceTrie(std::vector<std::pair<absl::string_view, int>> pieces) {
  std::sort(pieces.begin(), pieces.end());
  // Breadth first: a node's children are numbered one after another, after
  // the children of all nodes before it.
  std::vector<Below> nodes = {{0, pieces.size(), 0}};
  bytes_.push_back(0);
  for (size_t node = 0; node < nodes.size(); ++node) {
    auto [begin, end, depth] = nodes[node];
    first_children_.push_back(static_cast<uint32_t>(nodes.size()));
    const bool ends_here = begin < end && pieces[begin].first.size() == depth;
    ids_.push_back(ends_here ? pieces[begin].second : -1);
    if (ends_here) ++begin;
    while (begin < end) {
      const char byte = pieces[begin].first[depth];
      size_t same = begin;
      while (same < end && pieces[same].first[depth] == byte) ++same;
      nodes.push_back({begin, same, depth + 1});
      bytes_.push_back(static_cast<uint8_t>(byte));
      begin = same;
    }
  }
  first_children_.push_back(static_cast<uint32_t>(nodes.size()));
}

uint32_t PieceTrie::Child(uint32_t node, uint8_t byte) const {
  const auto begin = bytes_.begin() + first_children_[node];
  const auto end = bytes_.begin() + first_children_[node + 1];
  const auto found = std::lower_bound(begin, end, byte);
  if (found == end || *found != byte) return 0;
  return static_cast<uint32_t>(found - bytes_.begin());
}

PieceTrie::Match PieceTrie::Longest(absl::string_view text) const {
  Match match;
  uint32_t node = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    node = Child(node, static_cast<uint8_t>(text[i]));
    if (node == 0) return match;
    if (ids_[node] >= 0) {
      match.bytes = i + 1;
      match.id = ids_[node];
    }
  }
  match.may_grow = first_children_[node] < first_children_[node + 1];
  return match;
}

}  // namespace oxbow
