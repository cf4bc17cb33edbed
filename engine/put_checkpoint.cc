#include "engine/put_checkpoint.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/error_reason.h"
#include "store/retention.h"

namespace oxbow {
namespace {

absl::Status LabelExists(const std::string& label, Position position) {
  return WithReason(absl::AlreadyExistsError(absl::StrCat(
                        "the stream has a savepoint '", label, "' at byte ",
                        position.byte_offset, " already")),
                    "LABEL_EXISTS");
}

// False if the stream has this savepoint already.
absl::StatusOr<bool> IsNew(const Savepoint& wanted,
                           const std::vector<CheckpointHeader>& stored) {
  for (const CheckpointHeader& header : stored) {
    for (const Savepoint& savepoint : header.savepoints) {
      if (savepoint.label != wanted.label) continue;
      if (savepoint.position == wanted.position) return false;
      return LabelExists(savepoint.label, savepoint.position);
    }
  }
  return true;
}

// The savepoints of the stored checkpoint at `added`'s token, and those of
// `added` that the stream does not have.
absl::StatusOr<std::vector<Savepoint>> Merge(
    const std::vector<CheckpointHeader>& stored,
    const CheckpointHeader& added) {
  std::vector<Savepoint> merged;
  for (const CheckpointHeader& header : stored) {
    if (header.token_offset == added.token_offset) merged = header.savepoints;
  }
  for (const Savepoint& wanted : added.savepoints) {
    ASSIGN_OR_RETURN(const bool is_new, IsNew(wanted, stored));
    if (is_new) merged.push_back(wanted);
  }
  return merged;
}

}  // namespace

absl::Status PutCheckpointAndTrim(StreamStore& store, Checkpoint checkpoint,
                                  int checkpoints_max,
                                  absl::optional<uint64_t> replaced,
                                  std::vector<Beginning> beginnings) {
  CheckpointHeader& header = checkpoint.header;
  ASSIGN_OR_RETURN(std::vector<CheckpointHeader> stored,
                   store.ListCheckpoints(header.uid, header.reader));
  const bool sync = !header.savepoints.empty();
  ASSIGN_OR_RETURN(header.savepoints, Merge(stored, header));
  StoreBatch batch;
  batch.put_checkpoints.push_back(std::move(checkpoint));
  batch.put_beginnings = std::move(beginnings);
  const CheckpointHeader& put = batch.put_checkpoints.front().header;
  RETURN_IF_ERROR(store.Write(batch, sync));

  ASSIGN_OR_RETURN(stored, store.ListCheckpoints(put.uid, put.reader));
  StoreBatch drops;
  for (auto header = stored.begin(); header != stored.end(); ++header) {
    if (header->token_offset != replaced || !header->savepoints.empty() ||
        header->token_offset == put.token_offset) {
      continue;
    }
    drops.delete_checkpoints.push_back(*header);
    stored.erase(header);
    break;
  }
  RetentionOptions options;
  options.checkpoints_max = checkpoints_max;
  for (CheckpointHeader& header : CheckpointsToDrop(stored, options)) {
    drops.delete_checkpoints.push_back(std::move(header));
  }
  if (drops.delete_checkpoints.empty()) return absl::OkStatus();
  return store.Write(drops, /*sync=*/false);
}

absl::Status RemoveSavepoint(StreamStore& store, StreamUid uid,
                             const std::string& label) {
  ASSIGN_OR_RETURN(const std::vector<CheckpointHeader> stored,
                   store.ListCheckpoints(uid, "generator"));
  for (CheckpointHeader header : stored) {
    for (size_t i = 0; i < header.savepoints.size(); ++i) {
      if (header.savepoints[i].label != label) continue;
      header.savepoints.erase(header.savepoints.begin() + i);
      StoreBatch batch;
      batch.put_checkpoint_headers.push_back(std::move(header));
      return store.Write(batch, /*sync=*/true);
    }
  }
  return WithReason(
      absl::NotFoundError(
          absl::StrCat("the stream has no savepoint '", label, "' of its own")),
      "NO_SAVEPOINT");
}

}  // namespace oxbow
