#include "service/server.h"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "grpcpp/ext/channelz_service_plugin.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/impl/server_builder_option.h"
#include "grpcpp/impl/server_builder_plugin.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/server_builder.h"

namespace oxbow {
namespace {

// How long a client that reads slowly may take for its last answers.
const absl::Duration kLastAnswers = absl::Seconds(3);
constexpr char kStreamsName[] = "oxbow.v1.Streams";

int64_t MachineMemoryBytes() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
}

std::string HostAndPort(const std::string& host, int port) {
  const bool is_v6 = host.find(':') != std::string::npos;
  return is_v6 ? absl::StrCat("[", host, "]:", port)
               : absl::StrCat(host, ":", port);
}

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

// The limits of the wire. docs/api.md and GetLimits tell them to users.
void SetLimits(const ServerLimits& limits, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(limits.message_in_bytes_max);
  builder->SetMaxSendMessageSize(limits.message_out_bytes_max);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE,
                              limits.metadata_bytes_max);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                              limits.calls_per_connection_max);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS,
                              limits.ping_seconds * 1000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                              limits.ping_timeout_seconds * 1000);
  builder->AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
      limits.client_ping_seconds_min * 1000);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2);
  // A small message must not become a large one: nothing is decompressed.
  for (const auto algorithm : {GRPC_COMPRESS_DEFLATE, GRPC_COMPRESS_GZIP}) {
    builder->SetCompressionAlgorithmSupportStatus(algorithm, false);
  }
  grpc::ResourceQuota quota("oxbow");
  quota.Resize(MachineMemoryBytes() / 100 * limits.transport_memory_percent);
  builder->SetResourceQuota(quota);
}

}  // namespace

Server::Server(const Options& options, Engine* engine)
    : engine_(engine),
      streams_(engine),
      models_(engine, options.server_limits) {}

Server::~Server() {
  // What still runs is cut at once; the engine answers each call.
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Options& options,
                                                      Engine* engine) {
  std::unique_ptr<Server> server(new Server(options, engine));
  const absl::Status status = server->Listen(options);
  if (!status.ok()) return status;
  return server;
}

absl::Status Server::Listen(const Options& options) {
  grpc::EnableDefaultHealthCheckService(true);
  if (options.is_loopback) {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::channelz::experimental::InitChannelzService();
  }
  grpc::ServerBuilder builder;
  if (!options.is_loopback) {
    builder.SetOption(std::make_unique<NoIntrospection>());
  }
  SetLimits(options.server_limits, &builder);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, options.is_loopback);
  // Two servers on one port would share its connections by chance.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  int port = 0;
  const std::string wanted =
      HostAndPort(options.listen_host, options.listen_port);
  builder.AddListeningPort(wanted, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&streams_);
  builder.RegisterService(&models_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    server_.reset();
    return absl::FailedPreconditionError(
        absl::StrCat("cannot listen on ", wanted,
                     ": the address is not this machine's, or is in use"));
  }
  server_->GetHealthCheckService()->SetServingStatus(kStreamsName, true);
  address_ = HostAndPort(options.listen_host, port);
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
