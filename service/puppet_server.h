// A whole server on a loopback port over a puppet engine, with stubs.
#ifndef OXBOW_SERVICE_PUPPET_SERVER_H_
#define OXBOW_SERVICE_PUPPET_SERVER_H_

#include <memory>
#include <string>

#include "base/check.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/create_channel.h"
#include "oxbow/v1/models.grpc.pb.h"
#include "oxbow/v1/streams.grpc.pb.h"
#include "service/options.h"
#include "service/puppet_engine.h"
#include "service/server.h"
#include "store/testing/turned_clock.h"

namespace oxbow {

class PuppetServer {
 public:
  // `port` 0: any.
  explicit PuppetServer(int port = 0) {
    options_.listen.port = port;
    Start();
    channel_ = grpc::CreateChannel(server_->address(),
                                   grpc::InsecureChannelCredentials());
    streams_ = v1::Streams::NewStub(channel_);
    models_ = v1::Models::NewStub(channel_);
  }

  PuppetEngine& engine() { return engine_; }
  Server& server() { return *server_; }
  const std::string& address() const { return server_->address(); }
  std::shared_ptr<grpc::Channel> channel() { return channel_; }
  v1::Streams::Stub& streams() { return *streams_; }
  v1::Models::Stub& models() { return *models_; }

  // Cuts all calls, as a crash would, and serves again on the same port. The
  // streams of the engine stay.
  void Restart() {
    const int port = Port();
    server_.reset();
    options_.listen.port = port;
    Start();
  }

  int Port() const {
    return std::stoi(address().substr(address().rfind(':') + 1));
  }

  // The limits of time go by it.
  TurnedClock& clock() { return clock_; }

 private:
  void Start() {
    absl::StatusOr<std::unique_ptr<Server>> server =
        Server::Start(options_, &engine_, &clock_);
    OXBOW_CHECK_OK(server.status());
    server_ = *std::move(server);
  }

  Options options_;
  TurnedClock clock_;
  PuppetEngine engine_;  // Outlives the server.
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Streams::Stub> streams_;
  std::unique_ptr<v1::Models::Stub> models_;
};

// The detail of that type; a default one if there is none.
template <typename Detail>
Detail DetailOf(const grpc::Status& status) {
  google::rpc::Status details;
  Detail detail;
  if (!details.ParseFromString(status.error_details())) return detail;
  for (const auto& any : details.details()) {
    if (any.Is<Detail>()) any.UnpackTo(&detail);
  }
  return detail;
}

inline std::string GrpcReason(const grpc::Status& status) {
  return DetailOf<google::rpc::ErrorInfo>(status).reason();
}

}  // namespace oxbow

#endif  // OXBOW_SERVICE_PUPPET_SERVER_H_
