// Whether an error says what is wrong as we say it to people.
#ifndef OXBOW_STORE_TESTING_IS_SENTENCE_H_
#define OXBOW_STORE_TESTING_IS_SENTENCE_H_

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace oxbow {

// One line, not too long, that ends with a full stop.
inline testing::AssertionResult IsSentence(const absl::Status& status) {
  const absl::string_view text = status.message();
  if (text.size() < 10 || text.size() > 1024 || !absl::EndsWith(text, ".") ||
      absl::StrContains(text, "\n")) {
    return testing::AssertionFailure() << "no sentence: " << status;
  }
  return testing::AssertionSuccess();
}

}  // namespace oxbow

#endif  // OXBOW_STORE_TESTING_IS_SENTENCE_H_
