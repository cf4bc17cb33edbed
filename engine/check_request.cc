#include "engine/check_request.h"

#include <cmath>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/error_reason.h"

namespace oxbow {
namespace {

constexpr size_t kNameBytesMax = 128;
constexpr size_t kLabelBytesMax = 1024;
constexpr int kPlanTokensMax = 1 << 20;
constexpr size_t kPrefixBytesMax = 4096;
constexpr size_t kStopBytesMax = 256;
constexpr size_t kStopsMax = 16;
constexpr size_t kBiasesMax = 1024;

absl::Status Bad(absl::string_view reason, absl::string_view sentence) {
  return WithReason(absl::InvalidArgumentError(sentence), reason);
}

bool IsNamePart(const std::string& part) {
  if (part.empty() || part.size() > kNameBytesMax) return false;
  for (char c : part) {
    if (!absl::ascii_isalnum(c) && c != '.' && c != '_' && c != '-') {
      return false;
    }
  }
  return true;
}

absl::Status CheckRange(absl::string_view name, double value, double min,
                        double max) {
  // Written so that NaN fails.
  if (value >= min && value <= max) return absl::OkStatus();
  return Bad("BAD_SAMPLING",
             absl::StrCat(name, " is ", value, "; it must be from ", min,
                          " to ", max));
}

}  // namespace

absl::Status CheckName(const StreamName& name) {
  if (IsNamePart(name.tenant) && IsNamePart(name.stream)) {
    return absl::OkStatus();
  }
  return Bad("BAD_STREAM_ID",
             "a stream's id is 1 to 128 of the characters A-Z a-z 0-9 . _ -");
}

absl::Status CheckIds(const std::vector<int>& ids, int vocabulary_size) {
  for (int id : ids) {
    if (id >= 0 && id < vocabulary_size) continue;
    return Bad("BAD_TOKEN_ID", absl::StrCat("token id ", id,
                                            " is not of this model, whose ids "
                                            "are 0 to ",
                                            vocabulary_size - 1));
  }
  return absl::OkStatus();
}

absl::Status CheckSampling(const Sampling& sampling, int vocabulary_size) {
  RETURN_IF_ERROR(CheckRange("temperature", sampling.temperature, 0, 100));
  RETURN_IF_ERROR(CheckRange("top_p", sampling.top_p, 0, 1));
  RETURN_IF_ERROR(CheckRange("top_k", sampling.top_k, 0, 1 << 20));
  RETURN_IF_ERROR(
      CheckRange("presence_penalty", sampling.presence_penalty, -100, 100));
  RETURN_IF_ERROR(
      CheckRange("frequency_penalty", sampling.frequency_penalty, -100, 100));
  RETURN_IF_ERROR(CheckRange("penalty_decay", sampling.penalty_decay, 0, 1));
  if (sampling.logit_bias.size() > kBiasesMax) {
    return Bad("BAD_SAMPLING",
               absl::StrCat("logit_bias names ", sampling.logit_bias.size(),
                            " ids; at most ", kBiasesMax, " are taken"));
  }
  int banned = 0;
  for (const auto& [id, bias] : sampling.logit_bias) {
    RETURN_IF_ERROR(CheckIds({id}, vocabulary_size));
    if (std::isinf(bias) && bias < 0) {
      ++banned;
    } else {
      RETURN_IF_ERROR(CheckRange("logit_bias", bias, -1000, 1000));
    }
  }
  if (banned < vocabulary_size) return absl::OkStatus();
  return Bad("BAD_SAMPLING", "logit_bias bans every token there is");
}

absl::Status CheckPlan(const EmbeddingPlan& plan) {
  if (plan.prefix.size() > kPrefixBytesMax) {
    return Bad("BAD_PLAN",
               absl::StrCat("a prefix of ", plan.prefix.size(),
                            " bytes; at most ", kPrefixBytesMax, " are read"));
  }
  if (plan.kind != EmbeddingPlan::Kind::kEveryTokens ||
      (plan.tokens >= 1 && plan.tokens <= kPlanTokensMax)) {
    return absl::OkStatus();
  }
  return Bad("BAD_PLAN", absl::StrCat("an embedding every ", plan.tokens,
                                      " tokens cannot be made; from 1 to ",
                                      kPlanTokensMax, " can"));
}

absl::Status CheckLabels(const std::map<std::string, std::string>& labels,
                         int labels_max) {
  if (labels.size() > static_cast<size_t>(labels_max)) {
    return Bad("BAD_LABELS", absl::StrCat(labels.size(), " labels are given; ",
                                          "at most ", labels_max, " are kept"));
  }
  for (const auto& [key, value] : labels) {
    if (key.empty() || key.size() > kLabelBytesMax ||
        value.size() > kLabelBytesMax) {
      return Bad("BAD_LABELS",
                 absl::StrCat("a label's key has 1 to ", kLabelBytesMax,
                              " bytes, its value at most as many"));
    }
  }
  return absl::OkStatus();
}

namespace {

absl::Status CheckStops(const GenerateRequest& request, int vocabulary_size) {
  if (request.stops.size() > kStopsMax || request.stop_ids.size() > kStopsMax) {
    return Bad("BAD_STOP", absl::StrCat("at most ", kStopsMax,
                                        " stop texts and as many ids are "
                                        "taken"));
  }
  for (const std::string& stop : request.stops) {
    if (stop.empty() || stop.size() > kStopBytesMax) {
      return Bad("BAD_STOP", absl::StrCat("a stop text has 1 to ",
                                          kStopBytesMax, " bytes"));
    }
  }
  return CheckIds(request.stop_ids, vocabulary_size);
}

absl::Status CheckKeeping(const GenerateRequest& request) {
  if (request.commit && !request.keep_as.empty()) {
    return Bad("BAD_KEEPING", "commit and keep_as exclude each other");
  }
  if (request.commit && request.branches != 1) {
    return Bad("BAD_KEEPING",
               "only one branch can be committed: branches must be 1");
  }
  if (request.commit && request.at.kind != At::Kind::kHead) {
    return Bad("BAD_KEEPING", "only at the head can be committed");
  }
  if (request.keep_as.empty()) return absl::OkStatus();
  // With several, the last one's name is the longest.
  return CheckName({request.name.tenant,
                    request.branches == 1 ? request.keep_as
                                          : absl::StrCat(request.keep_as, ".",
                                                         request.branches)});
}

absl::Status CheckResume(const GenerateRequest& request, const Limits& limits) {
  if (request.request_id.empty()) {
    return Bad("BAD_KEEPING", "resume needs the generation's request id");
  }
  const std::vector<int>& from = request.from_index;
  if (static_cast<int>(from.size()) > limits.branches_max) {
    return Bad("BAD_COUNT", absl::StrCat("from_index names ", from.size(),
                                         " branches; there are at most ",
                                         limits.branches_max));
  }
  for (int index : from) {
    if (index < 0 || index > limits.generated_tokens_max) {
      return Bad("BAD_COUNT", absl::StrCat("from_index is ", index,
                                           "; it must be from 0 to ",
                                           limits.generated_tokens_max));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckCreate(const CreateStreamRequest& request,
                         const Limits& limits) {
  RETURN_IF_ERROR(CheckName(request.name));
  RETURN_IF_ERROR(CheckPlan(request.plan));
  return CheckLabels(request.labels, limits.labels_max);
}

absl::Status CheckGenerate(const GenerateRequest& request, const Limits& limits,
                           int vocabulary_size) {
  RETURN_IF_ERROR(CheckName(request.name));
  if (request.resume) return CheckResume(request, limits);
  RETURN_IF_ERROR(CheckSampling(request.sampling, vocabulary_size));
  RETURN_IF_ERROR(CheckIds(request.prompt_ids, vocabulary_size));
  RETURN_IF_ERROR(CheckStops(request, vocabulary_size));
  RETURN_IF_ERROR(CheckKeeping(request));
  if (request.branches < 1 || request.branches > limits.branches_max) {
    return Bad("BAD_COUNT",
               absl::StrCat("branches is ", request.branches,
                            "; it must be from 1 to ", limits.branches_max));
  }
  if (request.tokens_max < 1 ||
      request.tokens_max > limits.generated_tokens_max) {
    return Bad("BAD_COUNT", absl::StrCat("max_tokens is ", request.tokens_max,
                                         "; it must be from 1 to ",
                                         limits.generated_tokens_max));
  }
  if (request.top_logprobs < 0 ||
      request.top_logprobs > limits.top_logprobs_max) {
    return Bad(
        "BAD_COUNT",
        absl::StrCat("top_logprobs is ", request.top_logprobs,
                     "; it must be from 0 to ", limits.top_logprobs_max));
  }
  if (!request.prompt.empty() && !request.prompt_ids.empty()) {
    return Bad("BAD_PROMPT", "a prompt is text or ids, not both");
  }
  if (request.prompt.size() > limits.prompt_bytes_max ||
      request.prompt_ids.size() * sizeof(int) > limits.prompt_bytes_max) {
    return Bad("BAD_PROMPT", absl::StrCat("the prompt is longer than ",
                                          limits.prompt_bytes_max, " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace oxbow
