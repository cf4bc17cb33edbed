#include "engine/stored_stream.h"

#include <vector>

#include "base/status_macros.h"
#include "engine/find_checkpoint.h"
#include "engine/log_view.h"
#include "engine/read_timeline.h"

namespace oxbow {

Position HeadOf(const StreamRecord& record,
                const absl::optional<LogRecord>& last) {
  if (last.has_value()) return last->End();
  return LogView(record).own_begin();
}

uint64_t FirstToken(const Reader& reader, const LogView& view) {
  return reader.ids_are() == IdsAre::kIds ? view.begin_tokens() : 0;
}

bool MakesTimeline(const EngineContext& context, const Reader& reader,
                   const StreamRecord& record) {
  if (record.plan.kind == EmbeddingPlan::Kind::kNone) return false;
  const Reader* maker =
      context.embedder != nullptr ? context.embedder : context.generator;
  return maker == &reader;
}

namespace {

absl::Status LoadReader(const EngineContext& context, const Reader& reader,
                        const StoredStream& stream,
                        StoredStream::PerReader* stored) {
  const LogView view(stream.record);
  const int longest_piece = reader.tokenizer().longest_piece();
  FindCheckpointOptions options = CheckpointsOf(reader);
  options.target = HeadOf(stream.record, stream.last);
  options.end = PointEnd::kOpen;
  options.target_is_head = true;
  ASSIGN_OR_RETURN(const std::vector<CheckpointHeader> usable,
                   UsableCheckpoints(*context.store, view, options));
  if (!usable.empty()) stored->newest = usable.front().position;
  if (MakesTimeline(context, reader, stream.record)) {
    // The replay must come by the beginning of the open span.
    ASSIGN_OR_RETURN(stored->last_embedding,
                     LastOfTimeline(*context.store, view, longest_piece));
    options.token_offset_max = stored->last_embedding.has_value()
                                   ? stored->last_embedding->token_end
                                   : FirstToken(reader, view);
  }
  ASSIGN_OR_RETURN(stored->checkpoint,
                   FindCheckpoint(*context.store, view, options));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StoredStream> LoadStream(const EngineContext& context,
                                        const StreamName& name) {
  StoredStream stored;
  ASSIGN_OR_RETURN(stored.record,
                   context.store->FindStream(name.tenant, name.stream));
  ASSIGN_OR_RETURN(stored.last, context.store->LastRecord(stored.record.uid));
  RETURN_IF_ERROR(
      LoadReader(context, *context.generator, stored, &stored.generator));
  if (context.embedder != nullptr) {
    RETURN_IF_ERROR(
        LoadReader(context, *context.embedder, stored, &stored.embedder));
  }
  return stored;
}

}  // namespace oxbow
