// Checks of what clients send, one sentence each.
#ifndef OXBOW_ENGINE_CHECK_REQUEST_H_
#define OXBOW_ENGINE_CHECK_REQUEST_H_

#include <vector>

#include "absl/status/status.h"
#include "engine/requests.h"

namespace oxbow {

// InvalidArgument/BAD_STREAM_ID unless both parts match
// [A-Za-z0-9._-]{1,128}.
absl::Status CheckName(const StreamName& name);

// InvalidArgument/BAD_TOKEN_ID: an id outside 0 .. vocabulary_size - 1.
absl::Status CheckIds(const std::vector<int>& ids, int vocabulary_size);

// InvalidArgument/BAD_SAMPLING: a parameter outside its range, or not a
// number.
absl::Status CheckSampling(const Sampling& sampling, int vocabulary_size);

// InvalidArgument/BAD_PLAN.
absl::Status CheckPlan(const EmbeddingPlan& plan);

// InvalidArgument/BAD_LABELS: too many, or a key or value that is too long.
absl::Status CheckLabels(const std::map<std::string, std::string>& labels,
                         int labels_max);

// Name, plan and labels: InvalidArgument as above.
absl::Status CheckCreate(const CreateStreamRequest& request,
                         const Limits& limits);

// InvalidArgument, with the sentence of what is wrong.
absl::Status CheckGenerate(const GenerateRequest& request, const Limits& limits,
                           int vocabulary_size);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_CHECK_REQUEST_H_
