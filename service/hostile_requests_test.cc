// Hostile values in every field of every request, and bytes that are no
// request at all: each gets an honest answer, never Internal, and the server
// goes on serving. Two targets: with oxbowd among its runfiles the real server
// is asked, without it one over a puppet engine.
#include <unistd.h>

#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/soak.h"
#include "gtest/gtest.h"
#include "service/hostile_caller.h"
#include "service/message_bytes.h"
#include "service/puppet_server.h"
#include "tests/testing/server_process.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {
namespace {

class HostileRequestsTest : public testing::Test {
 protected:
  HostileRequestsTest()
      : channel_(Connect()),
        caller_(channel_,
                {v1::AppendRequest::descriptor()->file()->FindServiceByName(
                     "Streams"),
                 v1::TokenizeRequest::descriptor()->file()->FindServiceByName(
                     "Models")},
                [this] { Reset(); }) {
    Reset();
  }

  // To the real server, if there is one.
  std::shared_ptr<grpc::Channel> Connect() {
    if (access("service/oxbowd", X_OK) != 0) return puppet_.channel();
    const std::string folder =
        absl::StrCat(testing::TempDir(), "/hostile_", getpid());
    const std::string model = folder + ".safetensors";
    OXBOW_CHECK_OK(WriteTinyModel(TinyModelOptions(), model));
    auto process = ServerProcess::Start(
        {"--model=" + model, "--tokenizer=bytes", "--store=" + folder});
    OXBOW_CHECK_OK(process.status());
    process_ = *std::move(process);
    return grpc::CreateChannel(process_->address(),
                               grpc::InsecureChannelCredentials());
  }

  // The stream "s" with some text.
  void Reset() {
    const auto streams = v1::Streams::NewStub(channel_);
    v1::CreateStreamRequest create;
    create.set_stream_id("s");
    v1::Stream stream;
    grpc::ClientContext create_context;
    // It may be there, made otherwise.
    streams->CreateStream(&create_context, create, &stream);
    v1::AppendRequest open, chunk;
    open.mutable_open()->set_stream_id("s");
    chunk.mutable_chunk()->mutable_position();
    chunk.mutable_chunk()->set_text("hello world");
    grpc::ClientContext context;
    const auto append = streams->Append(&context);
    append->Write(open);
    append->WriteLast(chunk, grpc::WriteOptions());
    for (v1::AppendResponse response; append->Read(&response);) {
    }
    append->Finish();
  }

  PuppetServer puppet_;
  std::unique_ptr<ServerProcess> process_;
  std::shared_ptr<grpc::Channel> channel_;
  HostileCaller caller_;
};

TEST_F(HostileRequestsTest, EveryFieldOfEveryRequest) {
  const HostileCaller::Counts counts = caller_.EveryFieldOfEveryRequest();
  EXPECT_GE(counts.calls, 400);
  EXPECT_GE(counts.refused, 200);
  // Whatever they left behind, the server still serves.
  Reset();
  EXPECT_TRUE(caller_
                  .Call("/oxbow.v1.Models/GetModel",
                        SerializeMessage(v1::GetModelRequest()))
                  .ok());
}

TEST_F(HostileRequestsTest, BytesThatAreNoMessage) {
  caller_.BytesThatAreNoMessage();
}

TEST_F(HostileRequestsTest, TurnedBits) {
  const HostileCaller::Counts counts =
      caller_.TurnedBits(Soaked(1000), SoakSeed(20261121));
  std::cout << counts.calls << " requests, " << counts.refused << " refused\n";
  EXPECT_GT(counts.refused, counts.calls / 4);
  EXPECT_LT(counts.refused, counts.calls);
}

// A deep message must not overflow the stack of the parser.
TEST_F(HostileRequestsTest, DeeplyNestedUnknownFields) {
  std::string bytes;
  for (int i = 0; i < 100000; ++i) bytes += "\x7b";  // field 15, start group
  const grpc::Slice slice(bytes);
  const grpc::Status status =
      caller_.Call("/oxbow.v1.Streams/GetStream", grpc::ByteBuffer(&slice, 1));
  EXPECT_EQ(GrpcReason(status), "BAD_MESSAGE");
}

}  // namespace
}  // namespace oxbow
