#include "service/server.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "base/status_macros.h"
#include "grpcpp/ext/channelz_service_plugin.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/impl/server_builder_option.h"
#include "grpcpp/impl/server_builder_plugin.h"
#include "grpcpp/server_builder.h"
#include "service/listen.h"

namespace oxbow {
namespace {

// How long a client that reads slowly may take for its last answers.
const absl::Duration kLastAnswers = absl::Seconds(3);
constexpr char kStreamsName[] = "oxbow.v1.Streams";

// Takes reflection and channelz away: linking them is enough for gRPC to offer
// them, and beyond loopback they would tell strangers too much.
class NoIntrospection : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>*
                         plugins) override {
    plugins->erase(std::remove_if(plugins->begin(), plugins->end(),
                                  [](const auto& plugin) {
                                    return plugin->name() ==
                                               "proto_server_reflection" ||
                                           plugin->name() == "channelz_service";
                                  }),
                   plugins->end());
  }
};

}  // namespace

Server::Server(const Options& options, Engine* engine, const Clock* clock)
    : engine_(engine),
      limits_(options.server_limits),
      timers_(clock),
      streams_(engine, &limits_, &timers_),
      models_(engine, limits_) {}

Server::~Server() {
  // What still runs is cut at once; the engine answers each call.
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Options& options,
                                                      Engine* engine,
                                                      const Clock* clock) {
  std::unique_ptr<Server> server(new Server(options, engine, clock));
  const absl::Status status = server->Listen(options);
  if (!status.ok()) return status;
  return server;
}

absl::Status Server::Listen(const Options& options) {
  grpc::EnableDefaultHealthCheckService(true);
  if (options.listen.is_loopback) {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::channelz::experimental::InitChannelzService();
  }
  grpc::ServerBuilder builder;
  if (!options.listen.is_loopback) {
    builder.SetOption(std::make_unique<NoIntrospection>());
  }
  SetWireLimits(options.server_limits, &builder);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ,
                             options.listen.is_loopback);
  builder.RegisterService(&streams_);
  builder.RegisterService(&models_);
  ASSIGN_OR_RETURN(Listening listening,
                   oxbow::Listen(options.listen, &builder));
  server_ = std::move(listening.server);
  address_ = std::move(listening.address);
  server_->GetHealthCheckService()->SetServingStatus(kStreamsName, true);
  return absl::OkStatus();
}

std::shared_ptr<grpc::Channel> Server::InProcessChannel() {
  return server_->InProcessChannel(grpc::ChannelArguments());
}

bool Server::Drain(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  // All services NOT_SERVING, for good.
  server_->GetHealthCheckService()->Shutdown();
  auto drained = std::make_shared<absl::Notification>();
  engine_->Drain([drained] { drained->Notify(); });
  const bool in_time = drained->WaitForNotificationWithDeadline(deadline);
  // What is left are answers on their way, and watchers of health.
  server_->Shutdown(
      absl::ToChronoTime(std::min(deadline, absl::Now() + kLastAnswers)));
  return in_time;
}

}  // namespace oxbow
