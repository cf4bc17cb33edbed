#include "store/retention.h"

#include <algorithm>

#include "base/check.h"

namespace oxbow {
namespace {

// The checkpoints, by index, that are not the first of their cell of
// 2^`shift` tokens.
std::vector<size_t> NotFirst(const std::vector<CheckpointHeader>& headers,
                             const std::vector<size_t>& candidates, int shift) {
  std::vector<size_t> not_first;
  for (size_t i = 1; i < candidates.size(); ++i) {
    const uint64_t before = headers[candidates[i - 1]].token_offset >> shift;
    const uint64_t cell = headers[candidates[i]].token_offset >> shift;
    OXBOW_CHECK(before <= cell) << "headers are not in order";
    if (cell == before) not_first.push_back(candidates[i]);
  }
  return not_first;
}

}  // namespace

std::vector<CheckpointHeader> CheckpointsToDrop(
    const std::vector<CheckpointHeader>& headers,
    const RetentionOptions& options) {
  std::vector<size_t> candidates;
  for (size_t i = 0; i < headers.size(); ++i) {
    if (headers[i].savepoints.empty()) candidates.push_back(i);
  }
  if (candidates.size() <= options.checkpoints_max) return {};
  while (!candidates.empty() &&
         candidates.back() + options.newest_kept >= headers.size()) {
    candidates.pop_back();
  }
  const size_t cells_max = std::max<size_t>(1, options.checkpoints_max / 2);
  std::vector<size_t> dropped;
  for (int shift = 0; shift < 64; ++shift) {
    dropped = NotFirst(headers, candidates, shift);
    if (candidates.size() - dropped.size() <= cells_max) break;
  }
  std::vector<CheckpointHeader> result;
  for (size_t i : dropped) result.push_back(headers[i]);
  return result;
}

}  // namespace oxbow
