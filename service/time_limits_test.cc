// Clients that are slow, or say nothing: how long each call waits for them, by
// a clock that the tests turn.
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "service/puppet_server.h"

namespace oxbow {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

using AppendStream =
    grpc::ClientReaderWriter<v1::AppendRequest, v1::AppendResponse>;

class TimeLimitsTest : public testing::Test {
 protected:
  TimeLimitsTest() { server_.engine().set_text("s", ""); }

  v1::Streams::Stub& streams() { return server_.streams(); }

  std::unique_ptr<AppendStream> Append() { return streams().Append(&context_); }
  // The stream's, with its first ack.
  std::unique_ptr<AppendStream> OpenAppend() {
    auto call = Append();
    v1::AppendRequest open;
    open.mutable_open()->set_stream_id("s");
    EXPECT_TRUE(call->Write(open));
    v1::AppendResponse response;
    EXPECT_TRUE(call->Read(&response));
    return call;
  }
  static bool Send(AppendStream* call, const std::string& text) {
    v1::AppendRequest chunk;
    chunk.mutable_chunk()->set_text(text);
    v1::AppendResponse response;
    return call->Write(chunk) && call->Read(&response);
  }
  // Lets the time pass again and again until `call` ends: the server starts
  // its timers in its own time. Reads nothing before.
  template <typename Call>
  grpc::Status EndAfter(
      int seconds, Call* call, const std::function<void()>& read = [] {}) {
    std::atomic<bool> ended{false};
    std::thread clock([&] {
      while (!ended) {
        server_.clock().Advance(seconds);
        absl::SleepFor(absl::Milliseconds(150));
      }
    });
    // A reader's unread answers come before the status.
    absl::SleepFor(absl::Milliseconds(600));
    read();
    const grpc::Status status = call->Finish();
    ended = true;
    clock.join();
    return status;
  }
  // Until a timer that rings has rung.
  static void LetRing() { absl::SleepFor(absl::Milliseconds(250)); }

  PuppetServer server_;
  grpc::ClientContext context_;
};

TEST_F(TimeLimitsTest, AnAppendCallMustSoonSayWhatItIsFor) {
  const auto call = Append();
  v1::AppendResponse response;
  const grpc::Status status =
      EndAfter(11, call.get(), [&] { EXPECT_FALSE(call->Read(&response)); });
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(GrpcReason(status), "FIRST_MESSAGE_LATE");
  EXPECT_THAT(status.error_message(), HasSubstr("within 10s"));
}

TEST_F(TimeLimitsTest, AnAppendCallMayPauseButNotForEver) {
  const auto call = OpenAppend();
  for (int i = 0; i < 4; ++i) {
    server_.clock().Advance(3000);
    LetRing();
    ASSERT_TRUE(Send(call.get(), "abc")) << i;
  }
  v1::AppendResponse response;
  const grpc::Status status = EndAfter(3601, call.get(), [&] {
    while (call->Read(&response)) {
    }
  });
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(GrpcReason(status), "IDLE");
  EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(status).retry_delay().seconds(),
            1);
  EXPECT_EQ(server_.engine().text("s"), "abcabcabcabc");
}

TEST_F(TimeLimitsTest, AnEmptyChunkKeepsAnAppendCallOpen) {
  const auto call = OpenAppend();
  for (int i = 0; i < 3; ++i) {
    server_.clock().Advance(3000);
    LetRing();
    v1::AppendRequest poll;
    poll.mutable_chunk();
    v1::AppendResponse response;
    ASSERT_TRUE(call->Write(poll)) << i;
    ASSERT_TRUE(call->Read(&response)) << i;
  }
  call->WritesDone();
  v1::AppendResponse response;
  while (call->Read(&response)) {
  }
  EXPECT_TRUE(call->Finish().ok());
}

// The server is behind, not the client.
TEST_F(TimeLimitsTest, WhileTheEngineIsBusyNoClientIsIdle) {
  server_.engine().append_script()->by_hand = true;
  const auto call = Append();
  v1::AppendRequest open;
  open.mutable_open()->set_stream_id("s");
  ASSERT_TRUE(call->Write(open));
  const auto session = server_.engine().session(0);
  server_.clock().Advance(100000);
  LetRing();
  session->Ack(1);
  v1::AppendResponse response;
  EXPECT_TRUE(call->Read(&response));
  EXPECT_FALSE(session->cancelled());
  session->End(absl::OkStatus());
  while (call->Read(&response)) {
  }
  EXPECT_TRUE(call->Finish().ok());
}

// Acks alone do not fill a window, so this one sends many.
TEST_F(TimeLimitsTest, WhoReadsNoAcksIsCutOffAtTheEnd) {
  server_.engine().append_script()->by_hand = true;
  const auto call = Append();
  v1::AppendRequest open;
  open.mutable_open()->set_stream_id("s");
  ASSERT_TRUE(call->Write(open));
  const auto session = server_.engine().session(0);
  for (int i = 1; i < 40000; ++i) session->Ack(i);
  session->End(absl::OkStatus());
  v1::AppendResponse response;
  const grpc::Status status = EndAfter(61, call.get(), [&] {
    while (call->Read(&response)) {
    }
  });
  // Had it read in time, OK would have come.
  EXPECT_THAT(status.error_code(),
              testing::AnyOf(StatusCode::OK, StatusCode::DEADLINE_EXCEEDED,
                             StatusCode::CANCELLED))
      << status.error_message();
}

TEST_F(TimeLimitsTest, AnImportMustSoonSayWhatItIsFor) {
  v1::Stream stream;
  const auto call = streams().ImportState(&context_, &stream);
  const grpc::Status status = EndAfter(11, call.get());
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(GrpcReason(status), "FIRST_MESSAGE_LATE");
}

TEST_F(TimeLimitsTest, AnImportThatStopsIsNone) {
  v1::Stream stream;
  const auto call = streams().ImportState(&context_, &stream);
  v1::ImportStateRequest request;
  request.mutable_create()->set_stream_id("i");
  ASSERT_TRUE(call->Write(request));
  request.set_data("abc");
  ASSERT_TRUE(call->Write(request));
  const grpc::Status status = EndAfter(61, call.get());
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(GrpcReason(status), "STALLED");
  grpc::ClientContext context;
  v1::GetStreamRequest get;
  get.set_stream_id("i");
  EXPECT_EQ(streams().GetStream(&context, get, &stream).error_code(),
            StatusCode::NOT_FOUND);
}

TEST_F(TimeLimitsTest, WhoReadsNoTextIsCutOff) {
  server_.engine().set_text("s", std::string(16 << 20, 'x'));
  v1::ReadTextRequest request;
  request.set_stream_id("s");
  const auto call = streams().ReadText(&context_, request);
  size_t bytes = 0;
  const grpc::Status status = EndAfter(61, call.get(), [&] {
    v1::ReadTextResponse response;
    while (call->Read(&response)) bytes += response.text().size();
  });
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(status.error_message(), HasSubstr("took no message"));
  EXPECT_LT(bytes, size_t{16} << 20);
}

TEST_F(TimeLimitsTest, WhoReadsNoTokensIsCutOff) {
  v1::GenerateRequest request;
  request.set_stream_id("s");
  // More than a window, less than may wait unread.
  request.set_max_tokens(2000);
  request.set_top_logprobs(20);
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // The window stays small.
  const auto stub = v1::Streams::NewStub(grpc::CreateCustomChannel(
      server_.address(), grpc::InsecureChannelCredentials(), arguments));
  const auto call = stub->Generate(&context_, request);
  int count = 0;
  const grpc::Status status = EndAfter(61, call.get(), [&] {
    v1::GenerateResponse response;
    while (call->Read(&response)) ++count;
  });
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(status.error_message(), HasSubstr("took no message"));
  EXPECT_LT(count, 2000);
}

TEST_F(TimeLimitsTest, TokensThatNobodyReadsAreNotGeneratedForEver) {
  server_.engine().set_endless(true);
  v1::GenerateRequest request;
  request.set_stream_id("s");
  request.set_top_logprobs(20);
  const auto call = streams().Generate(&context_, request);
  while (server_.engine().cancelled_count() == 0) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  v1::GenerateResponse response;
  while (call->Read(&response)) {
  }
  const grpc::Status status = call->Finish();
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(status.error_message(), HasSubstr("unread"));
}

TEST_F(TimeLimitsTest, AGenerationEndsInTime) {
  server_.engine().set_endless(true);
  v1::GenerateRequest request;
  request.set_stream_id("s");
  const auto call = streams().Generate(&context_, request);
  v1::GenerateResponse response;
  ASSERT_TRUE(call->Read(&response));
  int too_early = 0;
  std::thread clock([&] {
    server_.clock().Advance(599);
    LetRing();
    too_early = server_.engine().cancelled_count();
    server_.clock().Advance(1);
  });
  while (call->Read(&response)) {
  }
  const grpc::Status status = call->Finish();
  clock.join();
  EXPECT_EQ(too_early, 0);
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(GrpcReason(status), "REQUEST_TOO_LONG");
  EXPECT_EQ(server_.engine().cancelled_count(), 1);
}

TEST_F(TimeLimitsTest, AnEmbeddingEndsInTime) {
  server_.engine().on_request = [this](const std::string&) {
    server_.clock().Advance(601);
    LetRing();
    // As the engine does when its flag says so.
    return absl::CancelledError("nobody waits for this any more");
  };
  v1::EmbedRequest request;
  request.mutable_stream()->set_stream_id("s");
  v1::EmbedResponse response;
  const grpc::Status status = streams().Embed(&context_, request, &response);
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(GrpcReason(status), "REQUEST_TOO_LONG");
}

TEST_F(TimeLimitsTest, TheLimitsAreTold) {
  v1::GetLimitsResponse limits;
  ASSERT_TRUE(server_.models().GetLimits(&context_, {}, &limits).ok());
  EXPECT_EQ(limits.first_message_seconds_max(), 10);
  EXPECT_EQ(limits.idle_append_seconds_max(), 3600);
  EXPECT_EQ(limits.stall_seconds_max(), 60);
  EXPECT_EQ(limits.request_seconds_max(), 600);
  EXPECT_EQ(limits.transport_bytes_max(), 1 << 30);
  EXPECT_EQ(limits.transfers_max(), 8);
  EXPECT_EQ(limits.read_calls_max(), 1024);
}

}  // namespace
}  // namespace oxbow
