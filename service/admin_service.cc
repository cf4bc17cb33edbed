#include "service/admin_service.h"

#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "engine/error_reason.h"
#include "google/protobuf/util/time_util.h"
#include "service/field_rules.h"
#include "service/sweep_to_proto.h"

namespace oxbow {
namespace {

// Calls that wait while one is at work, which may take minutes.
constexpr int kWaitingMax = 8;
constexpr int kKeepMax = 1000000;

v1::Backup ToProto(const BackupInfo& info) {
  v1::Backup backup;
  backup.set_id(info.id);
  *backup.mutable_made() =
      google::protobuf::util::TimeUtil::NanosecondsToTimestamp(
          absl::ToUnixNanos(info.made));
  backup.set_bytes(info.bytes);
  backup.set_change(info.change);
  return backup;
}

}  // namespace

AdminService::AdminService(DiskStore* store,
                           std::unique_ptr<BackupFolder> backups,
                           const Clock* clock)
    : store_(store), backups_(std::move(backups)), clock_(clock) {}

void AdminService::StopBackups() {
  if (backups_ != nullptr) backups_->Stop();
}

absl::Status AdminService::CheckBackups() const {
  if (backups_ != nullptr) return absl::OkStatus();
  return WithReason(absl::FailedPreconditionError(
                        "this server has no folder for backups: start it with "
                        "--backup-dir=DIR"),
                    "NO_BACKUP_FOLDER");
}

template <typename Work>
absl::Status AdminService::Run(UnaryCall* call, Work work) {
  if (worker_.pending() > kWaitingMax) {
    return WithReason(
        absl::ResourceExhaustedError("too many Admin calls are waiting"),
        "TOO_BUSY");
  }
  worker_.Run([call, work = std::move(work)] {
    const auto response = work();
    if (!response.ok()) return call->Fail(response.status());
    call->Answer(*response);
  });
  return absl::OkStatus();
}

absl::StatusOr<v1::BackupResponse> AdminService::DoBackup(
    const v1::BackupRequest& request) {
  const absl::StatusOr<BackupInfo> made = store_->BackUp(backups_.get());
  if (absl::IsCancelled(made.status())) {
    return WithReason(absl::UnavailableError("the server is shutting down"),
                      "DRAINING");
  }
  RETURN_IF_ERROR(made.status());
  if (request.keep() > 0) RETURN_IF_ERROR(backups_->KeepNewest(request.keep()));
  v1::BackupResponse response;
  *response.mutable_backup() = ToProto(*made);
  return response;
}

absl::StatusOr<v1::SweepResponse> AdminService::DoSweep(
    const v1::SweepRequest& request) {
  const absl::Time now = clock_->Now();
  ASSIGN_OR_RETURN(const SweepPlan plan, store_->PlanSweep(now));
  v1::SweepResponse response = SweepToProto(plan);
  if (request.dry_run()) return response;
  ASSIGN_OR_RETURN(const int removed, store_->Sweep(now));
  response.set_removed_uids(removed);
  return response;
}

AdminService::Unary* AdminService::Backup(Context*, const Bytes* request,
                                          Bytes* response) {
  return StartUnaryCall<v1::BackupRequest>(
      request, response,
      [this](const v1::BackupRequest& message, UnaryCall* call) {
        RETURN_IF_ERROR(CheckRange("keep", message.keep(), 0, kKeepMax));
        RETURN_IF_ERROR(CheckBackups());
        return Run(call, [this, message] { return DoBackup(message); });
      });
}

AdminService::Unary* AdminService::ListBackups(Context*, const Bytes* request,
                                               Bytes* response) {
  return StartUnaryCall<v1::ListBackupsRequest>(
      request, response,
      [this](const v1::ListBackupsRequest&, UnaryCall* call) {
        RETURN_IF_ERROR(CheckBackups());
        return Run(call, [this]() -> absl::StatusOr<v1::ListBackupsResponse> {
          v1::ListBackupsResponse answer;
          for (const BackupInfo& info : backups_->List()) {
            *answer.add_backups() = ToProto(info);
          }
          return answer;
        });
      });
}

AdminService::Unary* AdminService::Sweep(Context*, const Bytes* request,
                                         Bytes* response) {
  return StartUnaryCall<v1::SweepRequest>(
      request, response,
      [this](const v1::SweepRequest& message, UnaryCall* call) {
        return Run(call, [this, message] { return DoSweep(message); });
      });
}

}  // namespace oxbow
