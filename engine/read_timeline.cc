#include "engine/read_timeline.h"

#include "base/status_macros.h"

namespace oxbow {
namespace {

constexpr int kPageEntries = 512;

bool IsShared(const EmbeddingRecord& record, const LogView::Part& part,
              int longest_piece) {
  return !part.end.has_value() ||
         record.byte_end + longest_piece - 1 <= part.end->byte_offset;
}

}  // namespace

absl::StatusOr<std::vector<EmbeddingRecord>> ReadTimeline(StreamStore& store,
                                                          const LogView& view,
                                                          int longest_piece,
                                                          uint64_t from_token,
                                                          size_t limit) {
  std::vector<EmbeddingRecord> timeline;
  for (const LogView::Part& part : view.parts()) {
    while (timeline.size() < limit) {
      ASSIGN_OR_RETURN(
          const std::vector<EmbeddingRecord> page,
          store.ReadEmbeddings(part.uid, from_token, limit - timeline.size()));
      bool is_shared = true;
      for (const EmbeddingRecord& record : page) {
        is_shared = IsShared(record, part, longest_piece);
        if (!is_shared) break;
        timeline.push_back(record);
        from_token = record.token_begin + 1;
      }
      if (page.empty() || !is_shared) break;
    }
  }
  return timeline;
}

absl::StatusOr<absl::optional<EmbeddingRecord>> LastOfTimeline(
    StreamStore& store, const LogView& view, int longest_piece) {
  ASSIGN_OR_RETURN(absl::optional<EmbeddingRecord> last,
                   store.LastEmbedding(view.parts().back().uid));
  if (last.has_value()) return last;
  uint64_t from_token = 0;
  while (true) {
    ASSIGN_OR_RETURN(
        std::vector<EmbeddingRecord> page,
        ReadTimeline(store, view, longest_piece, from_token, kPageEntries));
    if (page.empty()) return last;
    from_token = page.back().token_begin + 1;
    last = std::move(page.back());
  }
}

}  // namespace oxbow
