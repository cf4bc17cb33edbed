// Matchers of absl::Status and absl::StatusOr.
#ifndef OXBOW_STORE_TESTING_STATUS_IS_H_
#define OXBOW_STORE_TESTING_STATUS_IS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"

namespace oxbow {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

MATCHER_P(StatusIs, code, absl::StatusCodeToString(code)) {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code;
}

}  // namespace oxbow

#define ASSERT_OK(expression) ASSERT_THAT((expression), ::oxbow::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT((expression), ::oxbow::IsOk())

#endif  // OXBOW_STORE_TESTING_STATUS_IS_H_
