// The gRPC server: services, limits, health, and a clean end.
#ifndef OXBOW_SERVICE_SERVER_H_
#define OXBOW_SERVICE_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "grpcpp/server.h"
#include "service/call_timers.h"
#include "service/models_service.h"
#include "service/options.h"
#include "service/streams_service.h"

namespace oxbow {

// Serves from Start() until Drain() or destruction, which cuts all calls.
// Thread-compatible; calls are served on gRPC's threads.
class Server {
 public:
  // Borrows the engine and the clock that the calls' limits of time go by,
  // which must outlive the server. FailedPrecondition: the address cannot be
  // listened on.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options,
                                                       Engine* engine,
                                                       const Clock* clock);
  ~Server();

  // "HOST:PORT", with the port that was given.
  const std::string& address() const { return address_; }
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // Health says NOT_SERVING, the engine drains, calls get until the timeout
  // to end and are cut then. False if the engine needed longer than that.
  bool Drain(absl::Duration timeout);

 private:
  Server(const Options& options, Engine* engine, const Clock* clock);
  absl::Status Listen(const Options& options);

  Engine* const engine_;
  const ServerLimits limits_;
  CallTimers timers_;
  StreamsService streams_;
  ModelsService models_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_SERVER_H_
