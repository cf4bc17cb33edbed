// A channel to the server and the stubs on it.
#ifndef OXBOW_CLIENTS_CLI_CONNECTION_H_
#define OXBOW_CLIENTS_CLI_CONNECTION_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cli/call_status.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "oxbow/v1/models.grpc.pb.h"
#include "oxbow/v1/streams.grpc.pb.h"

namespace oxbow::cli {

// Connects by itself, and again after a break, within a second of the server
// being back. Thread-safe.
class Connection {
 public:
  // `own_socket`: shared with no other connection to this server.
  explicit Connection(const std::string& server, bool own_socket = false);

  // Connects now rather than with the first call, which would fail at once if
  // the server is slow to accept. Unavailable: not within `patience`.
  absl::Status WaitUntilConnected(absl::Duration patience);

  v1::Streams::Stub& streams() { return *streams_; }
  v1::Models::Stub& models() { return *models_; }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Streams::Stub> streams_;
  std::unique_ptr<v1::Models::Stub> models_;
};

// One unary call: Ask(&stub, &Stub::Method, request).
template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Ask(Stub* stub,
                             grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                          const Request&,
                                                          Response*),
                             const Request& request) {
  grpc::ClientContext context;
  Response response;
  const grpc::Status status = (stub->*method)(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_CONNECTION_H_
