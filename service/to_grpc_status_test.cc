#include "service/to_grpc_status.h"

#include <map>
#include <string>

#include "engine/error_reason.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

google::rpc::Status DetailsOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

template <typename Detail>
bool Unpack(const grpc::Status& status, Detail* detail) {
  const google::rpc::Status details = DetailsOf(status);
  for (const auto& any : details.details()) {
    if (any.UnpackTo(detail)) return true;
  }
  return false;
}

TEST(ToGrpcStatusTest, OkIsOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
}

TEST(ToGrpcStatusTest, EveryCodeKeepsItsNumberAndGetsAReason) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "why");
    const grpc::Status converted = ToGrpcStatus(status);
    EXPECT_EQ(converted.error_code(), code);
    EXPECT_EQ(converted.error_message(), "why");
    EXPECT_EQ(DetailsOf(converted).code(), code);
    google::rpc::ErrorInfo info;
    ASSERT_TRUE(Unpack(converted, &info));
    EXPECT_EQ(info.reason(), absl::IsResourceExhausted(status)
                                 ? "STORAGE_FULL"
                                 : absl::StatusCodeToString(status.code()));
    EXPECT_EQ(info.domain(), "oxbow");
    google::rpc::RetryInfo retry;
    EXPECT_EQ(Unpack(converted, &retry),
              absl::IsResourceExhausted(status) || absl::IsUnavailable(status));
  }
}

TEST(ToGrpcStatusTest, ReasonAndFactsBecomeErrorInfo) {
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(
      Unpack(ToGrpcStatus(WithReason(absl::OutOfRangeError("gap"), "OFFSET_GAP",
                                     {{"expected_byte_offset", "17"}})),
             &info));
  EXPECT_EQ(info.reason(), "OFFSET_GAP");
  EXPECT_EQ(info.metadata().at("expected_byte_offset"), "17");
}

TEST(ToGrpcStatusTest, RetryDelayIsASecondUnlessSaid) {
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(
      Unpack(ToGrpcStatus(absl::ResourceExhaustedError("full")), &retry));
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  const auto delayed = [](const std::string& ms) {
    google::rpc::RetryInfo info;
    Unpack(ToGrpcStatus(WithReason(absl::ResourceExhaustedError("full"),
                                   "TOO_BUSY", {{"retry_delay_ms", ms}})),
           &info);
    return info.retry_delay();
  };
  EXPECT_EQ(delayed("250").nanos(), 250000000);
  EXPECT_EQ(delayed("-5").seconds(), 0);
  EXPECT_EQ(delayed("junk").seconds(), 1);
  EXPECT_EQ(delayed("999999999").seconds(), 3600);
}

TEST(ToGrpcStatusTest, AFieldBecomesBadRequest) {
  google::rpc::BadRequest bad_request;
  ASSERT_TRUE(Unpack(
      ToGrpcStatus(WithReason(absl::InvalidArgumentError("top_p: no"),
                              "BAD_FIELD", {{"field", "sampling.top_p"}})),
      &bad_request));
  EXPECT_EQ(bad_request.field_violations(0).field(), "sampling.top_p");
  EXPECT_EQ(bad_request.field_violations(0).description(), "top_p: no");
}

// Messages quote what clients and files say: control characters, no UTF-8,
// megabytes. What is sent must be printable, valid and small.
TEST(ToGrpcStatusTest, HostileMessagesArePrintableAndFitTheMetadata) {
  std::map<std::string, std::string> facts;
  for (int i = 0; i < 1000; ++i) {
    facts["key" + std::to_string(i)] = std::string(100000, '\xff');
  }
  const grpc::Status status = ToGrpcStatus(
      WithReason(absl::InvalidArgumentError(std::string(1 << 20, '\x1b')),
                 std::string(5000, 'R'), facts));
  EXPECT_LE(status.error_message().size(), 1024u);
  for (const char c : status.error_message()) {
    EXPECT_TRUE(c >= ' ' && c <= '~');
  }
  // In base64, with the message, below gRPC's 8 KiB of metadata.
  EXPECT_LT(
      status.error_details().size() * 4 / 3 + status.error_message().size(),
      7000u);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(Unpack(status, &info));
  EXPECT_LE(info.metadata().size(), 12u);
}

}  // namespace
}  // namespace oxbow
