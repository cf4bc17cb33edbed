// oxbow.v1.Admin: what an operator asks of a running server.
#ifndef OXBOW_SERVICE_ADMIN_SERVICE_H_
#define OXBOW_SERVICE_ADMIN_SERVICE_H_

#include <memory>

#include "base/clock.h"
#include "oxbow/v1/admin.grpc.pb.h"
#include "service/raw_methods.h"
#include "service/unary_call.h"
#include "store/disk_store.h"
#include "store/store_worker.h"

namespace oxbow {

using RawAdmin =
    RawMethods<v1::Admin::Service, v1::Admin::WithRawCallbackMethod_Backup,
               v1::Admin::WithRawCallbackMethod_ListBackups,
               v1::Admin::WithRawCallbackMethod_Sweep>::Type;

// Thread-safe. Work is done on a thread of its own, one call after the other.
class AdminService final : public RawAdmin {
 public:
  // Borrows store and clock. `backups` may be null: no folder of backups.
  AdminService(DiskStore* store, std::unique_ptr<BackupFolder> backups,
               const Clock* clock);

  // Ends a backup that runs, which is then none, and refuses more.
  void StopBackups();

 private:
  using Context = grpc::CallbackServerContext;
  using Bytes = grpc::ByteBuffer;
  using Unary = grpc::ServerUnaryReactor;

  Unary* Backup(Context*, const Bytes* request, Bytes* response) override;
  Unary* ListBackups(Context*, const Bytes* request, Bytes* response) override;
  Unary* Sweep(Context*, const Bytes* request, Bytes* response) override;

  // Runs `work`, which gives a message or an error, on the worker.
  template <typename Work>
  absl::Status Run(UnaryCall* call, Work work);
  absl::Status CheckBackups() const;
  absl::StatusOr<v1::BackupResponse> DoBackup(const v1::BackupRequest& request);
  absl::StatusOr<v1::SweepResponse> DoSweep(const v1::SweepRequest& request);

  DiskStore* const store_;
  const std::unique_ptr<BackupFolder> backups_;
  const Clock* const clock_;
  StoreWorker worker_;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_ADMIN_SERVICE_H_
