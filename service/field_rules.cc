#include "service/field_rules.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/error_reason.h"

namespace oxbow {
namespace {

constexpr size_t kWordBytesMax = 128;
constexpr size_t kLabelKeyBytesMax = 63;
constexpr size_t kLabelValueBytesMax = 256;
constexpr int64_t kTtlSecondsMax = 10000LL * 24 * 3600;
constexpr char kWordRule[] = "must be 1 to 128 of A-Z a-z 0-9 . _ -";

bool IsWord(absl::string_view word) {
  return !word.empty() && word.size() <= kWordBytesMax &&
         std::all_of(word.begin(), word.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

}  // namespace

absl::Status FieldError(absl::string_view field, absl::string_view rule,
                        absl::string_view reason) {
  return WithReason(absl::InvalidArgumentError(absl::StrCat(field, ": ", rule)),
                    reason, {{"field", std::string(field)}});
}

absl::Status CheckRange(absl::string_view field, int64_t value, int64_t low,
                        int64_t high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return FieldError(
      field, absl::StrCat("must be ", low, " to ", high, ", not ", value));
}

absl::Status CheckNumber(absl::string_view field, float value, float low,
                         float high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return FieldError(
      field, absl::StrCat("must be ", low, " to ", high, ", not ", value));
}

absl::Status CheckStreamId(absl::string_view field, absl::string_view id) {
  if (IsWord(id)) return absl::OkStatus();
  return FieldError(field, kWordRule, "BAD_STREAM_ID");
}

absl::Status CheckWord(absl::string_view field, absl::string_view word) {
  if (IsWord(word)) return absl::OkStatus();
  return FieldError(field, kWordRule);
}

absl::Status CheckTextSize(absl::string_view field, size_t bytes,
                           size_t bytes_max) {
  if (bytes <= bytes_max) return absl::OkStatus();
  return FieldError(
      field, absl::StrCat("must be at most ", bytes_max, " bytes, not ", bytes),
      "TEXT_TOO_LARGE");
}

absl::StatusOr<std::map<std::string, std::string>> LabelsOf(
    const ProtoLabels& labels, int labels_max) {
  RETURN_IF_ERROR(
      CheckRange("labels", static_cast<int64_t>(labels.size()), 0, labels_max));
  for (const auto& [key, value] : labels) {
    if (key.empty() || key.size() > kLabelKeyBytesMax) {
      return FieldError("labels", absl::StrCat("keys must be of 1 to ",
                                               kLabelKeyBytesMax, " bytes"));
    }
    if (value.size() > kLabelValueBytesMax) {
      return FieldError("labels", absl::StrCat("values must be of at most ",
                                               kLabelValueBytesMax, " bytes"));
    }
  }
  return std::map<std::string, std::string>(labels.begin(), labels.end());
}

absl::StatusOr<absl::Duration> TtlOf(const google::protobuf::Duration& ttl) {
  RETURN_IF_ERROR(CheckRange("ttl.seconds", ttl.seconds(), 1, kTtlSecondsMax));
  RETURN_IF_ERROR(CheckRange("ttl.nanos", ttl.nanos(), 0, 999999999));
  return absl::Seconds(ttl.seconds()) + absl::Nanoseconds(ttl.nanos());
}

absl::StatusOr<std::vector<int>> IdsOf(absl::string_view field,
                                       const ProtoIds& ids, int count_max,
                                       int vocabulary_size) {
  if (ids.size() > count_max) {
    return FieldError(field, absl::StrCat("must be at most ", count_max,
                                          " ids, not ", ids.size()));
  }
  for (int i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= vocabulary_size) {
      return FieldError(field,
                        absl::StrCat("ids must be 0 to ", vocabulary_size - 1,
                                     ", not ", ids[i], " (at index ", i, ")"),
                        "BAD_TOKEN_ID");
    }
  }
  return std::vector<int>(ids.begin(), ids.end());
}

}  // namespace oxbow
