// EmbeddingRWKV's way of embedding texts of any length (arXiv 2601.07861; the
// evaluation code of github.com/howard-hou/EmbeddingRWKV).
#ifndef OXBOW_ENGINE_LONG_TEXT_H_
#define OXBOW_ENGINE_LONG_TEXT_H_

#include <vector>

#include "absl/status/status.h"
#include "engine/requests.h"

namespace oxbow {

// InvalidArgument/BAD_COUNT: a number outside its range, or more than 256
// chunks in a context.
absl::Status CheckLongText(const LongText& long_text);

// What is read instead of a text.
struct ProbedText {
  std::vector<int> tokens;
  // Where in it the end-of-text tokens stand that were put there, ascending:
  // the mean of their hidden rows is what the head is given.
  std::vector<int> ends;
};

// E = context / chunk. Of `ids`, n after the first 8 contexts are taken:
//   n < chunk                all of them and an end, E times
//   n <= context - E         E pieces of ceil(n / E), an end behind each
//   else P = ceil(n/context) parts of ceil(n / P), each in E pieces likewise
// A last piece may be shorter, or empty. `long_text` passed CheckLongText().
ProbedText ProbeLongText(const std::vector<int>& ids, const LongText& long_text,
                         int end_of_text);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_LONG_TEXT_H_
