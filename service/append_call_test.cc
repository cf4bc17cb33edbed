// Append against a puppet engine, over a real connection: when it reads, what
// it acks, how it ends.
#include "service/append_call.h"

#include <memory>
#include <string>

#include "engine/error_reason.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/puppet_server.h"

namespace oxbow {
namespace {

using google::rpc::BadRequest;
using google::rpc::ErrorInfo;
using google::rpc::RetryInfo;

// One client's Append call.
class Call {
 public:
  explicit Call(PuppetServer* server)
      : stream_(server->streams().Append(&context_)) {}

  bool Open(const std::string& stream) {
    v1::AppendRequest request;
    request.mutable_open()->set_stream_id(stream);
    return stream_->Write(request);
  }
  bool Send(int64_t position, const std::string& text) {
    v1::AppendRequest request;
    v1::AppendChunk* chunk = request.mutable_chunk();
    chunk->mutable_position()->set_byte_offset(position);
    chunk->set_text(text);
    return stream_->Write(request);
  }
  bool Send(const v1::AppendRequest& request) {
    return stream_->Write(request);
  }
  void HalfClose() { stream_->WritesDone(); }
  void Cancel() { context_.TryCancel(); }
  // The durable end of the next ack; -1: there is none.
  int64_t NextAck() {
    v1::AppendResponse response;
    if (!stream_->Read(&response)) return -1;
    return response.ack().durable().byte_offset();
  }
  // Reads to the end.
  grpc::Status End() {
    int64_t ack;
    while ((ack = NextAck()) >= 0) last_ack_ = ack;
    return stream_->Finish();
  }
  int64_t last_ack() const { return last_ack_; }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<
      grpc::ClientReaderWriter<v1::AppendRequest, v1::AppendResponse>>
      stream_;
  int64_t last_ack_ = -1;
};

class AppendCallTest : public testing::Test {
 protected:
  AppendCallTest() { server_.engine().set_text("s", ""); }

  // Opens a call whose session the test leads by hand.
  std::shared_ptr<PuppetAppend> OpenByHand(Call* call) {
    server_.engine().append_script()->by_hand = true;
    EXPECT_TRUE(call->Open("s"));
    return server_.engine().session(0);
  }
  // What a chunk written after "open" ends the call with.
  grpc::Status EndAfter(const v1::AppendRequest& request) {
    Call call(&server_);
    call.Open("s");
    call.NextAck();
    call.Send(request);
    return call.End();
  }

  PuppetServer server_;
};

TEST_F(AppendCallTest, AcksBeforeTheFirstChunkAndAfterTheLast) {
  Call call(&server_);
  ASSERT_TRUE(call.Open("s"));
  EXPECT_EQ(call.NextAck(), 0);
  ASSERT_TRUE(call.Send(0, "hello "));
  ASSERT_TRUE(call.Send(6, "world"));
  call.HalfClose();
  EXPECT_TRUE(call.End().ok());
  EXPECT_EQ(call.last_ack(), 11);
  EXPECT_EQ(server_.engine().text("s"), "hello world");
}

TEST_F(AppendCallTest, RepeatsAndOverlapsAddOnlyWhatIsNew) {
  Call call(&server_);
  call.Open("s");
  call.Send(0, "hello ");
  call.Send(0, "hello ");
  call.Send(3, "lo world");
  call.HalfClose();
  EXPECT_TRUE(call.End().ok());
  EXPECT_EQ(server_.engine().text("s"), "hello world");
}

TEST_F(AppendCallTest, GapSaysWhereItShouldGoOn) {
  Call call(&server_);
  call.Open("s");
  call.Send(0, "abc");
  call.Send(7, "x");
  const grpc::Status status = call.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  const ErrorInfo info = DetailOf<ErrorInfo>(status);
  EXPECT_EQ(info.reason(), "OFFSET_GAP");
  EXPECT_EQ(info.domain(), "oxbow");
  EXPECT_EQ(info.metadata().at("expected_byte_offset"), "3");
  EXPECT_EQ(server_.engine().text("s"), "abc");
}

TEST_F(AppendCallTest, ConflictIsAlreadyExists) {
  Call call(&server_);
  call.Open("s");
  call.Send(0, "abc");
  call.Send(1, "xyz");
  const grpc::Status status = call.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(GrpcReason(status), "CHUNK_CONFLICT");
  EXPECT_EQ(server_.engine().text("s"), "abc");
}

TEST_F(AppendCallTest, LostDurableBytesAreDataLoss) {
  Call call(&server_);
  v1::AppendRequest open;
  open.mutable_open()->set_stream_id("s");
  open.mutable_open()->mutable_last_durable()->set_byte_offset(5);
  call.Send(open);
  const grpc::Status status = call.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_EQ(GrpcReason(status), "DURABLE_BYTES_LOST");
}

TEST_F(AppendCallTest, UnknownStreamIsNotFound) {
  Call call(&server_);
  call.Open("other");
  const grpc::Status status = call.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(GrpcReason(status), "NO_STREAM");
}

TEST_F(AppendCallTest, ReadsNoChunkBeforeReady) {
  Call call(&server_);
  const auto session = OpenByHand(&call);
  ASSERT_TRUE(call.Send(0, "a"));
  ASSERT_TRUE(call.Send(1, "b"));
  session->Ack(7);
  // Its arrival proves that the service had its chance to read.
  EXPECT_EQ(call.NextAck(), 7);
  EXPECT_EQ(session->chunks().size(), 0u);
  session->Ready();
  session->Ack(8);
  EXPECT_EQ(call.NextAck(), 8);
  while (session->chunks().empty()) absl::SleepFor(absl::Milliseconds(1));
  session->Ack(9);
  EXPECT_EQ(call.NextAck(), 9);
  EXPECT_EQ(session->chunks().size(), 1u);
  session->End(absl::OkStatus());
  EXPECT_TRUE(call.End().ok());
}

// A client that offers more than the flow-control window stops in Write.
TEST_F(AppendCallTest, ASlowEngineStopsTheClient) {
  Call call(&server_);
  const auto session = OpenByHand(&call);
  const std::string chunk(1 << 20, 'x');
  std::atomic<int> written{0};
  std::thread writer([&] {
    for (int i = 0; i < 64 && call.Send(i << 20, chunk); ++i) ++written;
  });
  session->Ack(1);
  EXPECT_EQ(call.NextAck(), 1);
  // No condition says "still blocked"; a tenth of a second of not reading
  // would let an unbounded server take all 64 MiB over loopback.
  absl::SleepFor(absl::Milliseconds(100));
  EXPECT_LT(written, 32);
  EXPECT_TRUE(session->chunks().empty());
  call.Cancel();
  writer.join();
  EXPECT_EQ(call.End().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(AppendCallTest, OnlyTheNewestAckIsKeptWhileAClientDoesNotRead) {
  Call call(&server_);
  const auto session = OpenByHand(&call);
  constexpr int kAcks = 200000;
  for (int i = 1; i <= kAcks; ++i) session->Ack(i);
  session->End(absl::OkStatus());
  int count = 0;
  int64_t last = 0;
  for (int64_t ack; (ack = call.NextAck()) >= 0; ++count) {
    // The last one says what OnDone said: the stream's true end.
    if (ack != 0) {
      EXPECT_GT(ack, last);
    }
    last = ack;
  }
  EXPECT_EQ(last, 0);
  EXPECT_LT(count, kAcks / 2);
  EXPECT_TRUE(call.End().ok());
}

TEST_F(AppendCallTest, CancelReachesTheSession) {
  Call call(&server_);
  const auto session = OpenByHand(&call);
  session->Ready();
  call.Cancel();
  EXPECT_EQ(call.End().error_code(), grpc::StatusCode::CANCELLED);
  while (!session->cancelled()) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_TRUE(session->chunks().empty());
}

TEST_F(AppendCallTest, HalfCloseIsPassedOnAndIsNoCancel) {
  Call call(&server_);
  const auto session = OpenByHand(&call);
  session->Ready();
  call.HalfClose();
  while (!session->closed()) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_FALSE(session->cancelled());
  session->End(absl::OkStatus());
  EXPECT_TRUE(call.End().ok());
}

TEST_F(AppendCallTest, EndWithoutAMessageIsRefused) {
  Call call(&server_);
  call.HalfClose();
  const grpc::Status status = call.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(GrpcReason(status), "BAD_FIELD");
}

TEST_F(AppendCallTest, ChunkFirstIsRefused) {
  Call call(&server_);
  call.Send(0, "abc");
  const grpc::Status status = call.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(DetailOf<BadRequest>(status).field_violations(0).field(), "open");
}

TEST_F(AppendCallTest, SecondOpenIsRefusedAndTheSessionEnds) {
  v1::AppendRequest open;
  open.mutable_open()->set_stream_id("s");
  const grpc::Status status = EndAfter(open);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(DetailOf<BadRequest>(status).field_violations(0).field(), "chunk");
  EXPECT_TRUE(server_.engine().session(0)->cancelled());
}

TEST_F(AppendCallTest, HostileChunksAreRefusedAndNothingIsAppended) {
  std::vector<v1::AppendRequest> requests(6);
  requests[0].mutable_chunk()->mutable_position()->set_byte_offset(-1);
  requests[1].mutable_chunk()->mutable_position()->set_zero_byte_tokens(-7);
  requests[2].mutable_chunk()->mutable_tokens()->add_ids(-1);
  requests[3].mutable_chunk()->mutable_tokens()->add_ids(257);
  requests[4].mutable_chunk()->set_sha256("short");
  requests[5].mutable_chunk()->set_text(std::string((1 << 20) + 1, 'x'));
  for (const v1::AppendRequest& request : requests) {
    const grpc::Status status = EndAfter(request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT)
        << request.ShortDebugString().substr(0, 100);
    EXPECT_FALSE(DetailOf<BadRequest>(status).field_violations().empty());
  }
  EXPECT_EQ(server_.engine().text("s"), "");
}

TEST_F(AppendCallTest, AMessagePastTheLimitIsResourceExhausted) {
  v1::AppendRequest request;
  request.mutable_chunk()->set_text(std::string(5 << 20, 'x'));
  EXPECT_EQ(EndAfter(request).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(server_.engine().text("s"), "");
}

TEST_F(AppendCallTest, AFullEngineSaysWhenToTryAgain) {
  Call call(&server_);
  const auto session = OpenByHand(&call);
  session->End(WithReason(absl::ResourceExhaustedError("the disk is full"),
                          "STORAGE_FULL", {{"retry_delay_ms", "2500"}}));
  const grpc::Status status = call.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(GrpcReason(status), "STORAGE_FULL");
  const RetryInfo retry = DetailOf<RetryInfo>(status);
  EXPECT_EQ(retry.retry_delay().seconds(), 2);
  EXPECT_EQ(retry.retry_delay().nanos(), 500000000);
}

TEST_F(AppendCallTest, TakeOverEndsTheOlderCallWithItsReason) {
  Call call(&server_);
  const auto session = OpenByHand(&call);
  session->Ready();
  session->End(
      WithReason(absl::AbortedError("a newer call took over"), "STALE_EPOCH"));
  const grpc::Status status = call.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(GrpcReason(status), "STALE_EPOCH");
}

TEST_F(AppendCallTest, TokensAreHandedOnAsGiven) {
  Call call(&server_);
  const auto session = OpenByHand(&call);
  v1::AppendRequest request;
  for (const int id : {104, 105, 256}) {
    request.mutable_chunk()->mutable_tokens()->add_ids(id);
  }
  call.Send(request);
  session->Ready();
  while (session->chunks().empty()) absl::SleepFor(absl::Milliseconds(1));
  const AppendChunk chunk = session->chunks()[0];
  EXPECT_EQ(chunk.kind, LogRecord::Kind::kTokens);
  EXPECT_THAT(chunk.ids, testing::ElementsAre(104, 105, 256));
  EXPECT_FALSE(chunk.position.has_value());
  session->End(absl::OkStatus());
  EXPECT_TRUE(call.End().ok());
}

}  // namespace
}  // namespace oxbow
