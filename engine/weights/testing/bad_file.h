// Malformed files, and how they must be refused.
#ifndef OXBOW_ENGINE_WEIGHTS_TESTING_BAD_FILE_H_
#define OXBOW_ENGINE_WEIGHTS_TESTING_BAD_FILE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/weights/testing/refusal_cost.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {

struct BadFile {
  std::string name;  // of the test
  std::string bytes;
  std::string message;  // a part of the sentence
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
};

// `read` must refuse the file as it says, in one line, within a second and
// within 64 MiB of memory more than this process has ever had.
inline void ExpectRefused(
    const BadFile& bad,
    const std::function<absl::Status(const std::string&)>& read) {
  const RefusalCost cost;
  const absl::Status status = read(bad.bytes);
  EXPECT_EQ(status.code(), bad.code) << status;
  const std::string message(status.message());
  EXPECT_THAT(message, testing::HasSubstr(bad.message));
  EXPECT_THAT(message, testing::Not(testing::HasSubstr("\n")));
  EXPECT_LT(message.size(), 1000u);
}

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_TESTING_BAD_FILE_H_
