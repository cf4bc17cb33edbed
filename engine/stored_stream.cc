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

FindCheckpointOptions OwnCheckpoints(const Reader& reader, Position target) {
  FindCheckpointOptions options = CheckpointsOf(reader);
  options.target = target;
  options.end = PointEnd::kOpen;
  options.target_is_head = true;
  return options;
}

absl::Status LoadReader(const EngineContext& context, const Reader& reader,
                        const StoredStream& stream,
                        StoredStream::PerReader* stored) {
  const LogView view(stream.record);
  const FindCheckpointOptions options =
      OwnCheckpoints(reader, HeadOf(stream.record, stream.last));
  stored->newest = view.begin();
  stored->token_offset = FirstToken(reader, view);
  ASSIGN_OR_RETURN(const std::vector<CheckpointHeader> usable,
                   UsableCheckpoints(*context.store, view, options));
  if (usable.empty()) return absl::OkStatus();
  stored->newest = usable.front().position;
  stored->token_offset = usable.front().token_offset;
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

absl::StatusOr<StoredState> LoadState(const EngineContext& context,
                                      const Reader& reader,
                                      const StreamRecord& record,
                                      Position target,
                                      absl::optional<uint64_t> at_token) {
  const LogView view(record);
  FindCheckpointOptions options = OwnCheckpoints(reader, target);
  StoredState state;
  if (at_token.has_value()) {
    options.token_offset_max = *at_token;
    ASSIGN_OR_RETURN(state.checkpoint,
                     FindCheckpoint(*context.store, view, options));
    const uint64_t found = state.checkpoint.has_value()
                               ? state.checkpoint->header.token_offset
                               : FirstToken(reader, view);
    state.is_at_token = found == *at_token;
    if (state.is_at_token) return state;
  }
  if (MakesTimeline(context, reader, record)) {
    // The replay must come by the beginning of the open span.
    ASSIGN_OR_RETURN(state.last_embedding,
                     LastOfTimeline(*context.store, view,
                                    reader.tokenizer().longest_piece()));
    options.token_offset_max = state.last_embedding.has_value()
                                   ? state.last_embedding->token_end
                                   : FirstToken(reader, view);
  }
  ASSIGN_OR_RETURN(state.checkpoint,
                   FindCheckpoint(*context.store, view, options));
  return state;
}

}  // namespace oxbow
