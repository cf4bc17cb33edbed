#include "engine/model/check_batch.h"

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace oxbow {

void CheckBatch(const Batch& batch, const ModelConfig& config,
                size_t hidden_count) {
  const int rows = static_cast<int>(batch.tokens.size());
  for (int token : batch.tokens) {
    OXBOW_CHECK(token >= 0 && token < config.vocabulary_size) << token;
  }
  OXBOW_CHECK(batch.row_end.size() == batch.slots.size());
  int begin = 0;
  for (int end : batch.row_end) {
    OXBOW_CHECK(end > begin) << end << " after " << begin;
    begin = end;
  }
  OXBOW_CHECK(begin == rows) << begin << " of " << rows;
  std::vector<StateSlot> slots = batch.slots;
  std::sort(slots.begin(), slots.end());
  OXBOW_CHECK(std::adjacent_find(slots.begin(), slots.end()) == slots.end());
  int last = -1;
  for (int row : batch.hidden_rows) {
    OXBOW_CHECK(row > last && row < rows) << row;
    last = row;
  }
  OXBOW_CHECK(hidden_count == batch.hidden_rows.size() * config.width)
      << hidden_count;
}

}  // namespace oxbow
