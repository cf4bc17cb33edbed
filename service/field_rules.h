// The rules of single request fields. Each answers InvalidArgument with one
// sentence, the reason and the fact {"field", path}.
#ifndef OXBOW_SERVICE_FIELD_RULES_H_
#define OXBOW_SERVICE_FIELD_RULES_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/map.h"
#include "google/protobuf/repeated_field.h"

namespace oxbow {

// "FIELD: RULE" as InvalidArgument with `reason`.
absl::Status FieldError(absl::string_view field, absl::string_view rule,
                        absl::string_view reason = "BAD_FIELD");

absl::Status CheckRange(absl::string_view field, int64_t value, int64_t low,
                        int64_t high);

// NaN is outside every range.
absl::Status CheckNumber(absl::string_view field, float value, float low,
                         float high);

// 1 .. 128 of [A-Za-z0-9._-]; BAD_STREAM_ID.
absl::Status CheckStreamId(absl::string_view field, absl::string_view id);

// The same letters, for what is no stream: labels, request ids; BAD_FIELD.
absl::Status CheckWord(absl::string_view field, absl::string_view word);

// At most `bytes_max` bytes; TEXT_TOO_LARGE.
absl::Status CheckTextSize(absl::string_view field, size_t bytes,
                           size_t bytes_max);

using ProtoLabels = google::protobuf::Map<std::string, std::string>;
// At most `labels_max`; keys of 1 .. 63 bytes, values of at most 256.
absl::StatusOr<std::map<std::string, std::string>> LabelsOf(
    const ProtoLabels& labels, int labels_max);

// 1 s .. 10,000 days.
absl::StatusOr<absl::Duration> TtlOf(const google::protobuf::Duration& ttl);

using ProtoIds = google::protobuf::RepeatedField<int32_t>;
// At most `count_max` (BAD_FIELD), each 0 .. vocabulary_size-1 (BAD_TOKEN_ID).
absl::StatusOr<std::vector<int>> IdsOf(absl::string_view field,
                                       const ProtoIds& ids, int count_max,
                                       int vocabulary_size);

}  // namespace oxbow

#endif  // OXBOW_SERVICE_FIELD_RULES_H_
