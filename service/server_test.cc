// The server around the services: health, reflection, limits, drain.
#include "service/server.h"

#include <thread>

#include "gmock/gmock.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"
#include "service/puppet_server.h"

namespace oxbow {
namespace {

// Calls a method by name with raw bytes; the response's bytes in *response.
grpc::Status CallRaw(grpc::Channel* channel, const std::string& method,
                     const std::string& bytes, std::string* response,
                     grpc::ClientContext* context) {
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(
      std::shared_ptr<grpc::Channel>(channel, [](grpc::Channel*) {}));
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  const auto call = stub.PrepareUnaryCall(context, method, request, &queue);
  call->StartCall();
  grpc::ByteBuffer buffer;
  grpc::Status status;
  call->Finish(&buffer, &status, nullptr);
  void* tag;
  bool ok;
  queue.Next(&tag, &ok);
  grpc::Slice flat;
  if (status.ok() && buffer.DumpToSingleSlice(&flat).ok()) {
    response->assign(reinterpret_cast<const char*>(flat.begin()), flat.size());
  }
  return status;
}

// grpc.health.v1: HealthCheckRequest.service is field 1, the response's
// status is field 1; 1 is SERVING, 2 is NOT_SERVING.
std::string Health(PuppetServer* server, const std::string& service) {
  grpc::ClientContext context;
  std::string response;
  const std::string request =
      service.empty()
          ? ""
          : std::string("\x0a") + static_cast<char>(service.size()) + service;
  const grpc::Status status =
      CallRaw(server->channel().get(), "/grpc.health.v1.Health/Check", request,
              &response, &context);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

TEST(ServerTest, HealthSaysServingThenNot) {
  PuppetServer server;
  EXPECT_EQ(Health(&server, ""), "\x08\x01");
  EXPECT_EQ(Health(&server, "oxbow.v1.Streams"), "\x08\x01");
}

TEST(ServerTest, TwoServersCannotShareAPort) {
  PuppetServer server;
  Options options;
  options.listen.port = server.Port();
  PuppetEngine engine;
  const auto second = Server::Start(options, &engine, &server.clock());
  ASSERT_FALSE(second.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
  EXPECT_THAT(std::string(second.status().message()),
              testing::HasSubstr("cannot listen on 127.0.0.1:"));
}

TEST(ServerTest, CompressedRequestsAreRefused) {
  PuppetServer server;
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  v1::TokenizeRequest request;
  request.set_text(std::string(100000, 'x'));
  v1::TokenizeResponse response;
  const grpc::Status status =
      server.models().Tokenize(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED)
      << status.error_message();
}

TEST(ServerTest, MetadataPastTheLimitIsRefused) {
  PuppetServer server;
  grpc::ClientContext context;
  context.AddMetadata("big", std::string(20000, 'x'));
  v1::GetModelResponse response;
  EXPECT_EQ(server.models()
                .GetModel(&context, v1::GetModelRequest(), &response)
                .error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST(ServerTest, DrainRefusesNewWorkAndEnds) {
  PuppetServer server;
  server.engine().set_text("s", "text");
  std::thread drainer(
      [&] { EXPECT_TRUE(server.server().Drain(absl::Seconds(10))); });
  grpc::Status status;
  do {
    grpc::ClientContext context;
    v1::GetStreamRequest request;
    request.set_stream_id("s");
    v1::Stream stream;
    status = server.streams().GetStream(&context, request, &stream);
  } while (status.ok());
  drainer.join();
  // Cancelled: the call came in as the door closed, and gRPC itself says so.
  EXPECT_THAT(status.error_code(), testing::AnyOf(grpc::StatusCode::UNAVAILABLE,
                                                  grpc::StatusCode::CANCELLED));
}

TEST(ServerTest, DestructionCutsWhatRuns) {
  auto server = std::make_unique<PuppetServer>();
  server->engine().set_text("s", "text");
  server->engine().set_endless(true);
  grpc::ClientContext context;
  v1::GenerateRequest request;
  request.set_stream_id("s");
  const auto stub = v1::Streams::NewStub(server->channel());
  const auto reader = stub->Generate(&context, request);
  v1::GenerateResponse response;
  ASSERT_TRUE(reader->Read(&response));
  server.reset();
  while (reader->Read(&response)) {
  }
  EXPECT_FALSE(reader->Finish().ok());
}

TEST(ServerTest, ReflectionListsTheServices) {
  PuppetServer server;
  grpc::ClientContext context;
  std::string response;
  // ServerReflectionRequest.list_services, field 7.
  const grpc::Status status =
      CallRaw(server.channel().get(),
              "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
              std::string("\x3a\x00", 2), &response, &context);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(response, testing::HasSubstr("oxbow.v1.Streams"));
  EXPECT_THAT(response, testing::HasSubstr("oxbow.v1.Models"));
  EXPECT_THAT(response, testing::HasSubstr("grpc.health.v1.Health"));
}

TEST(ServerTest, NothingTellsStrangersWhatThereIs) {
  PuppetEngine engine;
  Options options;
  options.listen.port = 0;
  options.listen.is_loopback = false;  // As behind a proxy.
  const TurnedClock clock;
  const auto server = Server::Start(options, &engine, &clock);
  ASSERT_TRUE(server.ok()) << server.status();
  const auto channel = grpc::CreateChannel((*server)->address(),
                                           grpc::InsecureChannelCredentials());
  for (const char* method :
       {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.channelz.v1.Channelz/GetServers"}) {
    grpc::ClientContext context;
    std::string response;
    EXPECT_EQ(
        CallRaw(channel.get(), method, "", &response, &context).error_code(),
        grpc::StatusCode::UNIMPLEMENTED)
        << method;
  }
}

}  // namespace
}  // namespace oxbow
