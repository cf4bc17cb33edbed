// FromProto of v1.GenerateRequest: the message with the most numbers.
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "service/field_rules.h"
#include "service/from_proto.h"

namespace oxbow {
namespace {

constexpr int kStopsMax = 16;
constexpr size_t kStopBytesMax = 256;
constexpr int kStopTokensMax = 256;
constexpr int kLogitBiasMax = 1024;

absl::StatusOr<std::map<int, float>> LogitBiasOf(
    const google::protobuf::Map<int32_t, float>& message,
    const RequestRules& rules) {
  RETURN_IF_ERROR(CheckRange("sampling.logit_bias",
                             static_cast<int64_t>(message.size()), 0,
                             kLogitBiasMax));
  std::map<int, float> bias;
  for (const auto& [id, value] : message) {
    if (id < 0 || id >= rules.vocabulary_size) {
      return FieldError("sampling.logit_bias",
                        absl::StrCat("ids must be 0 to ",
                                     rules.vocabulary_size - 1, ", not ", id),
                        "BAD_TOKEN_ID");
    }
    if (std::isnan(value) || value == std::numeric_limits<float>::infinity()) {
      return FieldError("sampling.logit_bias", "must not be NaN or +inf");
    }
    bias[id] = value;
  }
  return bias;
}

absl::StatusOr<Sampling> SamplingFromProto(const v1::Sampling& message,
                                           const RequestRules& rules) {
  Sampling sampling;
  if (message.has_temperature()) sampling.temperature = message.temperature();
  if (message.has_top_p()) sampling.top_p = message.top_p();
  if (message.has_penalty_decay()) {
    sampling.penalty_decay = message.penalty_decay();
  }
  sampling.top_k = message.top_k();
  sampling.presence_penalty = message.presence_penalty();
  sampling.frequency_penalty = message.frequency_penalty();
  sampling.seed = message.seed();
  RETURN_IF_ERROR(
      CheckNumber("sampling.temperature", sampling.temperature, 0, 100));
  RETURN_IF_ERROR(CheckNumber("sampling.top_p", sampling.top_p, 0, 1));
  RETURN_IF_ERROR(CheckRange("sampling.top_k", sampling.top_k, 0,
                             std::numeric_limits<int32_t>::max()));
  RETURN_IF_ERROR(CheckNumber("sampling.presence_penalty",
                              sampling.presence_penalty, -100, 100));
  RETURN_IF_ERROR(CheckNumber("sampling.frequency_penalty",
                              sampling.frequency_penalty, -100, 100));
  RETURN_IF_ERROR(
      CheckNumber("sampling.penalty_decay", sampling.penalty_decay, 0, 1));
  ASSIGN_OR_RETURN(sampling.logit_bias,
                   LogitBiasOf(message.logit_bias(), rules));
  return sampling;
}

absl::Status ReadPrompt(const v1::GenerateRequest& message,
                        const RequestRules& rules, GenerateRequest* request) {
  if (message.prompt_case() == v1::GenerateRequest::kPromptTokens) {
    ASSIGN_OR_RETURN(request->prompt_ids,
                     IdsOf("prompt_tokens", message.prompt_tokens().ids(),
                           rules.limits.chunk_ids_max, rules.vocabulary_size));
  }
  RETURN_IF_ERROR(CheckTextSize("prompt_text", message.prompt_text().size(),
                                rules.limits.prompt_bytes_max));
  request->prompt = message.prompt_text();
  return absl::OkStatus();
}

absl::Status ReadStops(const v1::GenerateRequest& message,
                       const RequestRules& rules, GenerateRequest* request) {
  RETURN_IF_ERROR(
      CheckRange("stop_texts", message.stop_texts_size(), 0, kStopsMax));
  for (const std::string& stop : message.stop_texts()) {
    if (stop.empty() || stop.size() > kStopBytesMax) {
      return FieldError("stop_texts", absl::StrCat("each must be of 1 to ",
                                                   kStopBytesMax, " bytes"));
    }
    request->stops.push_back(stop);
  }
  ASSIGN_OR_RETURN(request->stop_ids,
                   IdsOf("stop_tokens", message.stop_tokens(), kStopTokensMax,
                         rules.vocabulary_size));
  request->ignore_end_of_document = message.ignore_end_of_document();
  return absl::OkStatus();
}

// What is to be kept, and whether that can be.
absl::Status ReadKeeping(const v1::GenerateRequest& message,
                         GenerateRequest* request) {
  if (!message.keep_as().empty()) {
    RETURN_IF_ERROR(CheckStreamId("keep_as", message.keep_as()));
    request->keep_as = message.keep_as();
  }
  request->commit = message.commit();
  if (request->commit) {
    if (request->branches != 1) {
      return FieldError("commit", "needs exactly one branch");
    }
    if (request->at.kind != At::Kind::kHead) {
      return FieldError("commit", "is possible at the head only");
    }
    if (!request->keep_as.empty()) {
      return FieldError("commit", "and keep_as exclude each other");
    }
  }
  if (message.has_expected()) {
    if (!request->commit) {
      return FieldError("expected", "is for commit only");
    }
    ASSIGN_OR_RETURN(request->expected,
                     PositionFromProto("expected", message.expected()));
  }
  if (!message.request_id().empty()) {
    RETURN_IF_ERROR(CheckWord("request_id", message.request_id()));
    request->request_id = message.request_id();
  }
  return absl::OkStatus();
}

// What names a generation to go on with.
absl::Status ReadResume(const v1::GenerateRequest& message,
                        const RequestRules& rules, GenerateRequest* request) {
  if (message.request_id().empty()) {
    return FieldError("request_id", "must name the generation to resume");
  }
  RETURN_IF_ERROR(CheckWord("request_id", message.request_id()));
  request->request_id = message.request_id();
  request->resume = true;
  const auto& from_index = message.resume().from_index();
  RETURN_IF_ERROR(CheckRange("resume.from_index",
                             static_cast<int64_t>(from_index.size()), 0,
                             rules.limits.branches_max));
  for (int index : from_index) {
    RETURN_IF_ERROR(CheckRange("resume.from_index", index, 0,
                               rules.limits.generated_tokens_max));
    request->from_index.push_back(index);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GenerateRequest> FromProto(const v1::GenerateRequest& message,
                                          const RequestRules& rules) {
  GenerateRequest request;
  ASSIGN_OR_RETURN(request.name,
                   NameFromProto("stream_id", message.stream_id()));
  if (message.has_resume()) {
    RETURN_IF_ERROR(ReadResume(message, rules, &request));
    return request;
  }
  ASSIGN_OR_RETURN(request.at, AtFromProto(message.at()));
  RETURN_IF_ERROR(ReadPrompt(message, rules, &request));
  ASSIGN_OR_RETURN(request.sampling,
                   SamplingFromProto(message.sampling(), rules));
  RETURN_IF_ERROR(
      CheckRange("branches", message.branches(), 0, rules.limits.branches_max));
  if (message.branches() > 0) request.branches = message.branches();
  RETURN_IF_ERROR(CheckRange("max_tokens", message.max_tokens(), 0,
                             rules.limits.generated_tokens_max));
  if (message.max_tokens() > 0) request.tokens_max = message.max_tokens();
  RETURN_IF_ERROR(ReadStops(message, rules, &request));
  RETURN_IF_ERROR(CheckRange("top_logprobs", message.top_logprobs(), 0,
                             rules.limits.top_logprobs_max));
  request.top_logprobs = message.top_logprobs();
  RETURN_IF_ERROR(ReadKeeping(message, &request));
  return request;
}

}  // namespace oxbow
