#include "service/admin_server.h"

#include <utility>

#include "base/status_macros.h"
#include "service/listen.h"

namespace oxbow {

AdminServer::~AdminServer() {
  service_.StopBackups();
  if (server_ != nullptr) server_->Shutdown();
}

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(
    const Options& options, DiskStore* store, const Clock* clock) {
  std::unique_ptr<BackupFolder> backups;
  if (!options.backup_path.empty()) {
    ASSIGN_OR_RETURN(backups, BackupFolder::Open(options.backup_path));
  }
  std::unique_ptr<AdminServer> server(
      new AdminServer(store, std::move(backups), clock));
  grpc::ServerBuilder builder;
  SetWireLimits(options.server_limits, &builder);
  builder.RegisterService(&server->service_);
  ASSIGN_OR_RETURN(Listening listening,
                   Listen(*options.admin_listen, &builder));
  server->server_ = std::move(listening.server);
  server->address_ = std::move(listening.address);
  return server;
}

}  // namespace oxbow
