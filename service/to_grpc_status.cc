#include "service/to_grpc_status.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/error_reason.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace oxbow {
namespace {

// The message travels twice, the details in base64: together below 8 KiB.
constexpr size_t kMessageBytesMax = 1024;
constexpr size_t kFactBytesMax = 160;
constexpr int kFactsMax = 12;
constexpr int kRetryDelayMs = 1000;
constexpr int kRetryDelayMsMax = 3600 * 1000;

// Escapes what is not printable ASCII: proto strings must be UTF-8, and a
// message goes to terminals and logs.
std::string Printable(absl::string_view text, size_t bytes_max) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isprint(static_cast<unsigned char>(c));
  });
  std::string printable = plain ? std::string(text) : absl::CHexEscape(text);
  if (printable.size() > bytes_max) {
    printable.resize(bytes_max - 3);
    printable += "...";
  }
  return printable;
}

google::rpc::ErrorInfo MakeErrorInfo(
    const absl::Status& status,
    const std::map<std::string, std::string>& facts) {
  google::rpc::ErrorInfo info;
  std::string reason = ReasonOf(status);
  // The store knows no reasons, and whatever else is full has one.
  if (reason.empty() && absl::IsResourceExhausted(status)) {
    reason = "STORAGE_FULL";
  }
  if (reason.empty()) reason = absl::StatusCodeToString(status.code());
  info.set_reason(Printable(reason, 64));
  info.set_domain("oxbow");
  int taken = 0;
  for (const auto& [key, value] : facts) {
    if (++taken > kFactsMax) break;
    (*info.mutable_metadata())[Printable(key, 64)] =
        Printable(value, kFactBytesMax);
  }
  return info;
}

google::rpc::RetryInfo MakeRetryInfo(
    const std::map<std::string, std::string>& facts) {
  int delay_ms = kRetryDelayMs;
  const auto found = facts.find("retry_delay_ms");
  if (found != facts.end() && !absl::SimpleAtoi(found->second, &delay_ms)) {
    delay_ms = kRetryDelayMs;
  }
  delay_ms = std::clamp(delay_ms, 0, kRetryDelayMsMax);
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(delay_ms / 1000);
  info.mutable_retry_delay()->set_nanos(delay_ms % 1000 * 1000000);
  return info;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::map<std::string, std::string> facts = FactsOf(status);
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(Printable(status.message(), kMessageBytesMax));
  details.add_details()->PackFrom(MakeErrorInfo(status, facts));
  if (absl::IsResourceExhausted(status) || absl::IsUnavailable(status)) {
    details.add_details()->PackFrom(MakeRetryInfo(facts));
  }
  const auto field = facts.find("field");
  if (field != facts.end()) {
    google::rpc::BadRequest bad_request;
    auto* violation = bad_request.add_field_violations();
    violation->set_field(Printable(field->second, kFactBytesMax));
    violation->set_description(Printable(status.message(), kFactBytesMax));
    details.add_details()->PackFrom(bad_request);
  }
  // absl and gRPC number the codes alike.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      details.message(), details.SerializeAsString());
}

}  // namespace oxbow
