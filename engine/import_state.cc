#include "engine/import_state.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/error_reason.h"
#include "engine/new_stream.h"

namespace oxbow {
namespace {

absl::Status BadStateFile(absl::string_view what) {
  return WithReason(absl::InvalidArgumentError(what), "BAD_STATE_FILE");
}

Checkpoint CheckpointOf(const StateFile& file, StreamUid uid, absl::Time now) {
  Checkpoint checkpoint;
  CheckpointHeader& header = checkpoint.header;
  header.uid = uid;
  header.reader = "generator";
  header.token_offset = file.token_offset;
  header.position = file.position;
  header.id_chain = file.id_chain;
  header.model_id = file.model_id;
  header.layout_id = file.layout_id;
  header.numerics_id = file.numerics_id;
  header.created = now;
  checkpoint.state = file.state;
  return checkpoint;
}

Digest DigestOfImport(const CreateStreamRequest& create,
                      const Digest& file_digest) {
  Sha256Hasher hasher;
  hasher.AddSized("import");
  hasher.Add(AsBytes(DigestOf(create)));
  hasher.Add(AsBytes(file_digest));
  return hasher.Finish();
}

}  // namespace

absl::StatusOr<StateFile> CheckStateFile(Reader& generator,
                                         absl::string_view bytes) {
  absl::StatusOr<StateFile> file = DecodeStateFile(bytes);
  if (!file.ok()) return BadStateFile(file.status().message());
  if (file->model_id != generator.id()) {
    return WithReason(absl::FailedPreconditionError(absl::StrCat(
                          "the state belongs to model ", ToHex(file->model_id),
                          ", and this server runs ", ToHex(generator.id()))),
                      "MODEL_MISMATCH",
                      {{"wanted_model_id", ToHex(file->model_id)},
                       {"server_model_id", ToHex(generator.id())}});
  }
  if (file->layout_id != generator.info().layout_id) {
    return BadStateFile(absl::StrCat("state file: of layout ", file->layout_id,
                                     ", want ", generator.info().layout_id));
  }
  ASSIGN_OR_RETURN(const OwnedSlot slot, NewSlot(generator));
  const absl::Status status =
      generator.model().WriteState(slot.get(), file->state);
  if (!status.ok()) return BadStateFile(status.message());
  return file;
}

absl::StatusOr<StreamRecord> ImportOrFind(const EngineContext& context,
                                          const CreateStreamRequest& create,
                                          const StateFile& file,
                                          const Digest& file_digest) {
  const Digest digest = DigestOfImport(create, file_digest);
  ASSIGN_OR_RETURN(const absl::optional<StreamRecord> made,
                   FindMade(context, create.name, digest));
  if (made.has_value()) return *made;
  ASSIGN_OR_RETURN(const StreamUid origin, context.store->NewUid());
  StoreBatch state;
  state.put_checkpoints.push_back(
      CheckpointOf(file, origin, context.clock->Now()));
  // The write below syncs this one, too. A crash between them leaves a uid
  // that no stream names, for the next sweep.
  RETURN_IF_ERROR(context.store->Write(state, /*sync=*/false));

  ASSIGN_OR_RETURN(StreamRecord record, MakeStream(context, create));
  record.request_digest = digest;
  Segment before;
  before.uid = origin;
  before.end = file.position;
  before.seam_at_end = true;
  before.imported_tokens = file.token_offset;
  record.ancestry = {before};
  StoreBatch batch;
  batch.put_streams.push_back(record);
  if (!file.undecided.empty()) {
    LogRecord text;
    text.text = file.undecided;
    AddFirstRecord(context.generator->tokenizer(), record, std::move(text),
                   &batch);
  }
  RETURN_IF_ERROR(context.store->Write(batch, /*sync=*/true));
  return record;
}

}  // namespace oxbow
