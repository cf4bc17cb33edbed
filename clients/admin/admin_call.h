// One call of a running server's Admin service.
#ifndef OXBOW_CLIENTS_ADMIN_ADMIN_CALL_H_
#define OXBOW_CLIENTS_ADMIN_ADMIN_CALL_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "clients/admin/command.h"
#include "clients/cli/call_status.h"
#include "clients/cli/status_line.h"
#include "grpcpp/client_context.h"
#include "oxbow/v1/admin.grpc.pb.h"

namespace oxbow::admin {

std::unique_ptr<v1::Admin::Stub> Connect(const std::string& server);

// Waits for `done`, saying after two seconds how long it has been.
void WaitWithProgress(const std::string& doing, absl::Notification* done,
                      const Session& session);

// CallAdmin(server, &v1::Admin::Stub::async::Backup, request, ...): waits as
// long as it takes.
template <typename Request, typename Response>
absl::StatusOr<Response> CallAdmin(
    const std::string& server,
    void (v1::Admin::Stub::async::*method)(grpc::ClientContext*, const Request*,
                                           Response*,
                                           std::function<void(grpc::Status)>),
    const Request& request, const std::string& doing, const Session& session) {
  const std::unique_ptr<v1::Admin::Stub> stub = Connect(server);
  grpc::ClientContext context;
  Response response;
  grpc::Status status;
  absl::Notification done;
  (stub->async()->*method)(&context, &request, &response,
                           [&status, &done](grpc::Status result) {
                             status = std::move(result);
                             done.Notify();
                           });
  WaitWithProgress(doing, &done, session);
  if (!status.ok()) return cli::FromGrpc(status);
  return response;
}

}  // namespace oxbow::admin

#endif  // OXBOW_CLIENTS_ADMIN_ADMIN_CALL_H_
