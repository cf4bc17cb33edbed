#include "clients/cli/connection.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace oxbow::cli {

Connection::Connection(const std::string& server, bool own_socket) {
  grpc::ChannelArguments arguments;
  // Answers may be of 16 MiB; gRPC would refuse more than 4.
  arguments.SetMaxReceiveMessageSize(16 << 20);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  // A server that lost its power is noticed; it allows a ping every 20 s.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20000);
  if (own_socket) arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  channel_ = grpc::CreateCustomChannel(
      server, grpc::InsecureChannelCredentials(), arguments);
  streams_ = v1::Streams::NewStub(channel_);
  models_ = v1::Models::NewStub(channel_);
}

absl::Status Connection::WaitUntilConnected(absl::Duration patience) {
  const auto deadline =
      std::chrono::system_clock::now() + absl::ToChronoMilliseconds(patience);
  if (channel_->WaitForConnected(deadline)) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      "the server took no connection for ", absl::FormatDuration(patience)));
}

}  // namespace oxbow::cli
