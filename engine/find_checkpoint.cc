#include "engine/find_checkpoint.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"

namespace oxbow {
namespace {

// `position`, less the bytes whose tokens may be others in another text.
uint64_t Before(Position position, uint64_t tail) {
  return position.byte_offset > tail ? position.byte_offset - tail : 0;
}

// The last byte at which a checkpoint of `part` may end.
uint64_t UsableBytes(const LogView::Part& part,
                     const FindCheckpointOptions& options) {
  // What was decided before an import is decided for good.
  if (part.imported_tokens.has_value() && options.reads_ids) {
    return part.end->byte_offset;
  }
  const bool target_in_part =
      !part.end.has_value() || options.target <= *part.end;
  if (target_in_part) {
    const bool own_head = options.target_is_head && !part.end.has_value();
    if (own_head) return options.target.byte_offset;
    const bool closed = options.end == PointEnd::kClosed;
    return Before(options.target,
                  closed ? options.closed_tail : options.longest_piece - 1);
  }
  if (part.seam_at_end && options.reads_ids) return part.end->byte_offset;
  return Before(*part.end, options.longest_piece - 1);
}

bool IsUsable(const CheckpointHeader& header, const LogView::Part& part,
              const FindCheckpointOptions& options) {
  return header.model_id == options.model_id &&
         header.layout_id == options.layout_id &&
         (header.numerics_id == options.numerics_id ||
          part.imported_tokens.has_value()) &&
         header.position <= options.target &&
         (!part.end.has_value() || header.position <= *part.end) &&
         header.position.byte_offset <= UsableBytes(part, options) &&
         header.position.byte_offset <= options.byte_offset_max &&
         header.token_offset <= options.token_offset_max;
}

}  // namespace

FindCheckpointOptions CheckpointsOf(const Reader& reader) {
  FindCheckpointOptions options;
  options.reader = reader.name();
  options.model_id = reader.id();
  options.layout_id = reader.info().layout_id;
  options.numerics_id = reader.info().numerics_id;
  options.reads_ids = reader.ids_are() == IdsAre::kIds;
  options.longest_piece = reader.tokenizer().longest_piece();
  options.closed_tail = reader.tokenizer().closed_tail();
  return options;
}

absl::StatusOr<std::vector<CheckpointHeader>> UsableCheckpoints(
    StreamStore& store, const LogView& view,
    const FindCheckpointOptions& options) {
  std::vector<CheckpointHeader> usable;
  for (const LogView::Part& part : view.parts()) {
    if (options.target < part.begin) break;
    ASSIGN_OR_RETURN(const std::vector<CheckpointHeader> headers,
                     store.ListCheckpoints(part.uid, options.reader));
    for (const CheckpointHeader& header : headers) {
      if (IsUsable(header, part, options)) usable.push_back(header);
    }
  }
  std::sort(usable.begin(), usable.end(),
            [](const CheckpointHeader& a, const CheckpointHeader& b) {
              return a.token_offset > b.token_offset;
            });
  return usable;
}

absl::StatusOr<absl::optional<Checkpoint>> FindCheckpoint(
    StreamStore& store, const LogView& view,
    const FindCheckpointOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<CheckpointHeader> usable,
                   UsableCheckpoints(store, view, options));
  for (const CheckpointHeader& header : usable) {
    absl::StatusOr<Checkpoint> checkpoint =
        store.ReadCheckpoint(header.uid, header.reader, header.token_offset);
    if (checkpoint.ok()) return {*std::move(checkpoint)};
    // Retention may have dropped it since; damage is what older ones are for.
    if (!absl::IsNotFound(checkpoint.status()) &&
        !absl::IsDataLoss(checkpoint.status())) {
      return checkpoint.status();
    }
  }
  // The generator's ids before an import are not here to be read again.
  if (view.imported() && options.reads_ids) return ImportLost(view);
  return {absl::nullopt};
}

}  // namespace oxbow
