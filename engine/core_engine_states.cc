// The engine's calls about states: checkpoints, and files to go on from.
#include <utility>

#include "base/status_macros.h"
#include "engine/check_request.h"
#include "engine/core_engine.h"
#include "engine/describe_stream.h"
#include "engine/error_reason.h"
#include "engine/find_checkpoint.h"
#include "engine/import_state.h"
#include "engine/new_stream.h"
#include "engine/put_checkpoint.h"
#include "engine/reach.h"

namespace oxbow {
namespace {

// A state file holds no undecided text but the stream's own.
absl::Status PrefixIsOpen() {
  return WithReason(
      absl::FailedPreconditionError(
          "the stream's prefix is still being read together with its first "
          "bytes: append first"),
      "EMPTY_STREAM");
}

}  // namespace

void CoreEngine::WithCursor(
    std::shared_ptr<Operation> operation, At at,
    std::function<void(absl::StatusOr<const Cursor*>, Position)> done) {
  ReachOptions options;
  options.reader = generator_.get();
  options.at = std::move(at);
  ReachOpenEnd(&context_, operation->stream(), options,
               [operation, done = std::move(done)](
                   absl::StatusOr<const Cursor*> cursor, Position position) {
                 done(cursor, position);
               });
}

void CoreEngine::Checkpoint(CheckpointRequest request,
                            Callback<CheckpointInfo> done) {
  inbox_.Post([this, request = std::move(request), done = std::move(done)]() {
    if (request.label.size() > 128) {
      return done(WithReason(
          absl::InvalidArgumentError("a label has at most 128 bytes"),
          "BAD_LABELS"));
    }
    Begin(
        request.name,
        [this, request, done](std::shared_ptr<Operation> operation) {
          WithCursor(
              operation, request.at,
              [this, request, operation, done](
                  absl::StatusOr<const Cursor*> cursor, Position position) {
                if (!cursor.ok()) return done(cursor.status());
                LiveStream& stream = *operation->stream();
                oxbow::Checkpoint checkpoint =
                    (*cursor)->MakeCheckpoint(stream.record().uid);
                if (!request.label.empty()) {
                  checkpoint.header.savepoints.push_back(
                      {request.label, position, context_.clock->Now()});
                }
                CheckpointInfo info = Describe(checkpoint.header);
                info.position = position;
                info.state_digest = (*cursor)->StateDigest();
                stream.PutCheckpoint(
                    std::move(checkpoint),
                    [info, operation, done](absl::Status status) {
                      if (!status.ok()) return done(status);
                      done(info);
                    });
              });
        },
        done);
  });
}

void CoreEngine::ListCheckpoints(StreamName name,
                                 Callback<std::vector<CheckpointInfo>> done) {
  inbox_.Post([this, name = std::move(name), done = std::move(done)]() {
    Begin(
        name,
        [this, done](std::shared_ptr<Operation> operation) {
          FindCheckpointOptions options = CheckpointsOf(*generator_);
          options.target = operation->stream()->durable();
          options.end = PointEnd::kOpen;
          options.target_is_head = true;
          context_.Async<std::vector<CheckpointInfo>>(
              [operation,
               options]() -> absl::StatusOr<std::vector<CheckpointInfo>> {
                ASSIGN_OR_RETURN(
                    const std::vector<CheckpointHeader> headers,
                    UsableCheckpoints(*operation->context().store,
                                      operation->stream()->view(), options));
                std::vector<CheckpointInfo> infos;
                for (auto header = headers.rbegin(); header != headers.rend();
                     ++header) {
                  infos.push_back(Describe(*header));
                }
                return infos;
              },
              [operation,
               done](absl::StatusOr<std::vector<CheckpointInfo>> infos) {
                done(std::move(infos));
              });
        },
        done);
  });
}

void CoreEngine::DeleteCheckpoint(StreamName name, std::string label,
                                  Callback<bool> done) {
  inbox_.Post([this, name = std::move(name), label = std::move(label),
               done = std::move(done)]() {
    Begin(
        name,
        [this, label, done](std::shared_ptr<Operation> operation) {
          context_.Async<bool>(
              [operation, label]() -> absl::StatusOr<bool> {
                RETURN_IF_ERROR(
                    RemoveSavepoint(*operation->context().store,
                                    operation->stream()->record().uid, label));
                return true;
              },
              [operation, done](absl::StatusOr<bool> removed) {
                done(std::move(removed));
              });
        },
        done);
  });
}

void CoreEngine::ExportState(ExportStateRequest request,
                             Callback<std::string> done) {
  inbox_.Post([this, request = std::move(request), done = std::move(done)]() {
    Begin(
        request.name,
        [this, request, done](std::shared_ptr<Operation> operation) {
          WithCursor(operation, request.at,
                     [operation, done](absl::StatusOr<const Cursor*> cursor,
                                       Position) {
                       if (!cursor.ok()) return done(cursor.status());
                       if ((*cursor)->in_lead()) return done(PrefixIsOpen());
                       done(EncodeStateFile((*cursor)->MakeStateFile()));
                     });
        },
        done);
  });
}

void CoreEngine::ImportState(ImportStateRequest request,
                             Callback<StreamInfo> done) {
  inbox_.Post([this, request = std::move(request), done = std::move(done)]() {
    absl::Status status = CheckCreate(request.create, limits());
    if (status.ok()) {
      status = CheckPrefix(context_, request.create.plan, /*imports=*/true);
    }
    if (status.ok()) status = AdmitQuestion();
    if (!status.ok()) return done(status);
    absl::StatusOr<StateFile> file = CheckStateFile(*generator_, request.file);
    if (!file.ok()) return done(file.status());
    auto operation = std::make_shared<Operation>(&context_, nullptr, &asking_);
    context_.Async<StreamInfo>(
        [context = &context_, create = request.create, file = *std::move(file),
         digest = Sha256(request.file)]() -> absl::StatusOr<StreamInfo> {
          ASSIGN_OR_RETURN(const StreamRecord record,
                           ImportOrFind(*context, create, file, digest));
          return DescribeStored(*context, record);
        },
        [operation, done](absl::StatusOr<StreamInfo> info) {
          done(std::move(info));
        });
  });
}

}  // namespace oxbow
