#include "service/listen.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "grpcpp/resource_quota.h"

namespace oxbow {
namespace {

int64_t MachineMemoryBytes() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
}

std::string HostAndPort(const std::string& host, int port) {
  const bool is_v6 = host.find(':') != std::string::npos;
  return is_v6 ? absl::StrCat("[", host, "]:", port)
               : absl::StrCat(host, ":", port);
}

}  // namespace

void SetWireLimits(const ServerLimits& limits, grpc::ServerBuilder* builder) {
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
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                              absl::ToInt64Milliseconds(limits.handshake_max));
  builder->AddChannelArgument(
      GRPC_ARG_MAX_CONNECTION_IDLE_MS,
      absl::ToInt64Milliseconds(limits.idle_connection_max));
  grpc::ResourceQuota quota("oxbow");
  quota.Resize(std::min(limits.transport_bytes_max, MachineMemoryBytes() / 4));
  builder->SetResourceQuota(quota);
}

absl::StatusOr<Listening> Listen(const ListenAddress& address,
                                 grpc::ServerBuilder* builder) {
  // Two servers on one port would share its connections by chance.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  int port = 0;
  const std::string wanted = HostAndPort(address.host, address.port);
  builder->AddListeningPort(wanted, grpc::InsecureServerCredentials(), &port);
  Listening listening;
  listening.server = builder->BuildAndStart();
  if (listening.server == nullptr || port == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot listen on ", wanted,
                     ": the address is not this machine's, or is in use"));
  }
  listening.address = HostAndPort(address.host, port);
  return listening;
}

}  // namespace oxbow
