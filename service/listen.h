// What every listener of ours has: limits of the wire, and an address.
#ifndef OXBOW_SERVICE_LISTEN_H_
#define OXBOW_SERVICE_LISTEN_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "service/options.h"
#include "service/server_limits.h"

namespace oxbow {

// The limits of the wire. docs/api.md and GetLimits tell them to users.
void SetWireLimits(const ServerLimits& limits, grpc::ServerBuilder* builder);

struct Listening {
  std::unique_ptr<grpc::Server> server;
  std::string address;  // "HOST:PORT", with the port that was given
};

// Starts what was built there. FailedPrecondition: the address cannot be
// listened on.
absl::StatusOr<Listening> Listen(const ListenAddress& address,
                                 grpc::ServerBuilder* builder);

}  // namespace oxbow

#endif  // OXBOW_SERVICE_LISTEN_H_
