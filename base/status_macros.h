// RETURN_IF_ERROR and ASSIGN_OR_RETURN, as in Google's C++ code.
#ifndef OXBOW_BASE_STATUS_MACROS_H_
#define OXBOW_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define OXBOW_CONCAT_INNER(a, b) a##b
#define OXBOW_CONCAT(a, b) OXBOW_CONCAT_INNER(a, b)

// Returns the status from the enclosing function unless it is OK.
#define RETURN_IF_ERROR(expression)              \
  do {                                           \
    absl::Status oxbow_status = (expression);    \
    if (!oxbow_status.ok()) return oxbow_status; \
  } while (false)

// ASSIGN_OR_RETURN(T value, StatusOrExpression);
#define ASSIGN_OR_RETURN(lhs, expression)                               \
  OXBOW_ASSIGN_OR_RETURN(OXBOW_CONCAT(oxbow_status_or_, __LINE__), lhs, \
                         expression)

#define OXBOW_ASSIGN_OR_RETURN(status_or, lhs, expression)   \
  auto status_or = (expression);                             \
  if (!status_or.ok()) return std::move(status_or).status(); \
  lhs = *std::move(status_or)

#endif  // OXBOW_BASE_STATUS_MACROS_H_
