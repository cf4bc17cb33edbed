// One branch of a generation: what was drawn, what may be told, when it ends.
#ifndef OXBOW_ENGINE_BRANCH_H_
#define OXBOW_ENGINE_BRANCH_H_

#include <deque>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "engine/requests.h"
#include "engine/sampler.h"
#include "engine/tokenizer/tokenizer.h"

namespace oxbow {

// Draws tokens until a stop. Tokens whose text may be the beginning of a stop
// text are held back until it is clear that they are not.
//
// Knows no model: logits come in. Thread-compatible; borrows request and
// tokenizer.
class Branch {
 public:
  // `position`: the token offset its first token will have.
  Branch(const GenerateRequest* request, const Tokenizer* tokenizer, int index,
         uint64_t position);

  // Draws the next token. Its id is what the model reads next, unless the
  // branch is finished.
  int Draw(absl::Span<const float> logits);

  bool finished() const { return reason_.has_value(); }
  FinishReason reason() const { return *reason_; }
  // Tokens that may be told now, in order; each is given once.
  std::vector<GeneratedToken> TakeTold();
  // Ids that are kept: all but a stop token, the token a stop text starts in
  // and what follows it.
  const std::vector<int>& ids() const { return ids_; }
  // Without the stop text and what follows it.
  const std::string& text() const { return text_; }

 private:
  bool IsStopId(int id) const;
  void FindStop();
  // Bytes at the end of the text that may begin a stop.
  size_t MaybeStopBytes() const;

  const GenerateRequest* const request_;
  const Tokenizer* const tokenizer_;
  const int index_;
  const uint64_t position_;
  Sampler sampler_;
  std::vector<int> ids_;
  std::vector<size_t> ends_;  // of each id in the text
  std::string text_;
  std::deque<GeneratedToken> held_;
  size_t told_ = 0;  // tokens
  absl::optional<FinishReason> reason_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_BRANCH_H_
