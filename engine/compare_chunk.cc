#include "engine/compare_chunk.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/error_reason.h"
#include "engine/measure_record.h"

namespace oxbow {
namespace {

// What a chunk may hold at once is bounded; so is what it is compared with.
constexpr size_t kPageBytes = 256 << 10;

absl::Status Conflict(Position at) {
  return WithReason(
      absl::AlreadyExistsError(absl::StrCat(
          "the stream already holds something else at byte ", at.byte_offset,
          ": a chunk may only repeat what was acknowledged")),
      "CHUNK_CONFLICT", {{"byte_offset", absl::StrCat(at.byte_offset)}});
}

// Where the chunk ends if it is put at `begin`.
Position EndOf(const Tokenizer& tokenizer, Position begin,
               const AppendChunk& chunk) {
  Position end = begin;
  if (!chunk.text.empty()) end = {end.byte_offset + chunk.text.size(), 0};
  for (int id : chunk.ids) end = AfterId(tokenizer, end, id);
  return end;
}

// Holds `event` against what is left of the chunk and drops what agrees.
bool DropEqual(const LogEvent& event, AppendChunk* left) {
  if (event.kind == LogEvent::Kind::kSeam) return true;
  if (event.kind == LogEvent::Kind::kText) {
    if (left->kind != LogRecord::Kind::kText ||
        left->text.compare(0, event.text.size(), event.text) != 0) {
      return false;
    }
    left->text.erase(0, event.text.size());
    return true;
  }
  if (left->kind != LogRecord::Kind::kTokens ||
      left->ids.size() < event.ids.size() ||
      !std::equal(event.ids.begin(), event.ids.end(), left->ids.begin())) {
    return false;
  }
  left->ids.erase(left->ids.begin(), left->ids.begin() + event.ids.size());
  return true;
}

// OutOfRange: the log never stood at `place`: it lies inside an id, or counts
// more tokens of no bytes than there are.
absl::Status CheckPlace(StreamStore& store, const Tokenizer& tokenizer,
                        const LogView& view, Position durable, Position place) {
  At at;
  at.kind = At::Kind::kByte;
  at.offset = place.byte_offset;
  ASSIGN_OR_RETURN(const Position first,
                   ResolveAt(store, tokenizer, view, at, durable));
  LogPlace reading = view.Begin(first);
  while (reading.position < place) {
    RETURN_IF_ERROR(ReadEvents(store, tokenizer, view, IdsAre::kIds, place,
                               kPageBytes, &reading)
                        .status());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AppendChunk> CompareChunk(StreamStore& store,
                                         const Tokenizer& tokenizer,
                                         const LogView& view, Position durable,
                                         AppendChunk chunk) {
  const Position begin = *chunk.position;
  const absl::Status stood = CheckPlace(store, tokenizer, view, durable, begin);
  if (absl::IsOutOfRange(stood)) return Conflict(begin);
  RETURN_IF_ERROR(stood);
  const Position end = EndOf(tokenizer, begin, chunk);
  const Position limit = std::min(end, durable);
  LogPlace place = view.Begin(begin);
  while (place.position < limit) {
    absl::StatusOr<std::vector<LogEvent>> events = ReadEvents(
        store, tokenizer, view, IdsAre::kIds, limit, kPageBytes, &place);
    if (absl::IsOutOfRange(events.status())) return Conflict(limit);
    RETURN_IF_ERROR(events.status());
    for (const LogEvent& event : *events) {
      if (!DropEqual(event, &chunk)) return Conflict(begin);
    }
    if (events->empty()) break;
  }
  chunk.position = limit;
  return chunk;
}

}  // namespace oxbow
