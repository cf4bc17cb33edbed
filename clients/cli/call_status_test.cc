#include "clients/cli/call_status.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace oxbow::cli {
namespace {

grpc::Status ServerError(grpc::StatusCode code, const std::string& reason) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  return grpc::Status(code, "a sentence", details.SerializeAsString());
}

TEST(CallStatusTest, SentenceHasCodeAndReason) {
  EXPECT_EQ(Sentence(FromGrpc(
                ServerError(grpc::StatusCode::OUT_OF_RANGE, "OFFSET_GAP"))),
            "OUT_OF_RANGE (OFFSET_GAP): a sentence");
  EXPECT_EQ(Sentence(FromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE,
                                           "connection refused"))),
            "UNAVAILABLE: connection refused");
  EXPECT_EQ(Sentence(UsageFault("no such thing")), "no such thing");
}

TEST(CallStatusTest, ExitCodes) {
  using grpc::StatusCode;
  const auto of = [](StatusCode code) {
    return ExitCodeOf(FromGrpc(grpc::Status(code, "x")));
  };
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0);
  EXPECT_EQ(of(StatusCode::NOT_FOUND), 1);
  EXPECT_EQ(of(StatusCode::UNAVAILABLE), 69);
  EXPECT_EQ(of(StatusCode::RESOURCE_EXHAUSTED), 75);
  EXPECT_EQ(ExitCodeOf(UsageFault("x")), 64);
  EXPECT_EQ(ExitCodeOf(DataFault("x")), 65);
  EXPECT_EQ(ExitCodeOf(InputFault("x")), 66);
}

TEST(CallStatusTest, OnlyWhatMayPassIsTriedAgain) {
  using grpc::StatusCode;
  const auto plain = [](StatusCode code) {
    return MayRetry(FromGrpc(grpc::Status(code, "x")));
  };
  const auto reasoned = [](StatusCode code) {
    return MayRetry(FromGrpc(ServerError(code, "SOME_REASON")));
  };
  EXPECT_TRUE(plain(StatusCode::UNAVAILABLE));
  EXPECT_TRUE(reasoned(StatusCode::UNAVAILABLE));
  EXPECT_TRUE(reasoned(StatusCode::RESOURCE_EXHAUSTED));
  EXPECT_FALSE(plain(StatusCode::RESOURCE_EXHAUSTED));
  // A broken connection, in gRPC's words; the server's own would say why.
  for (const StatusCode code :
       {StatusCode::CANCELLED, StatusCode::INTERNAL, StatusCode::UNKNOWN}) {
    EXPECT_TRUE(plain(code));
    EXPECT_FALSE(reasoned(code));
  }
  for (const StatusCode code :
       {StatusCode::ABORTED, StatusCode::DATA_LOSS,
        StatusCode::FAILED_PRECONDITION, StatusCode::INVALID_ARGUMENT,
        StatusCode::ALREADY_EXISTS, StatusCode::OUT_OF_RANGE,
        StatusCode::NOT_FOUND}) {
    EXPECT_FALSE(plain(code));
    EXPECT_FALSE(reasoned(code));
  }
  EXPECT_FALSE(MayRetry(DataFault("x")));
}

}  // namespace
}  // namespace oxbow::cli
