// The operator's own listener: the Admin service, and nothing else.
#ifndef OXBOW_SERVICE_ADMIN_SERVER_H_
#define OXBOW_SERVICE_ADMIN_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/server.h"
#include "service/admin_service.h"
#include "service/options.h"

namespace oxbow {

// Serves from Start() until it is destroyed, which stops a backup that runs.
// Thread-compatible; calls are served on gRPC's threads.
class AdminServer {
 public:
  // Listens on options.admin_listen, which must be set, and backs up into
  // options.backup_path. Borrows store and clock, which must outlive it.
  // FailedPrecondition: the address cannot be listened on, or the folder is
  // another's.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(
      const Options& options, DiskStore* store, const Clock* clock);
  ~AdminServer();

  // "HOST:PORT", with the port that was given.
  const std::string& address() const { return address_; }

 private:
  AdminServer(DiskStore* store, std::unique_ptr<BackupFolder> backups,
              const Clock* clock)
      : service_(store, std::move(backups), clock) {}

  AdminService service_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_ADMIN_SERVER_H_
