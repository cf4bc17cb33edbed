// From logits to the next token.
#ifndef OXBOW_ENGINE_SAMPLER_H_
#define OXBOW_ENGINE_SAMPLER_H_

#include <cstdint>
#include <map>
#include <vector>

#include "absl/types/span.h"
#include "engine/requests.h"
#include "engine/tokenizer/tokenizer.h"

namespace oxbow {

// A number in [0, 1) that depends on its three arguments alone (philox.h).
double UniformAt(uint64_t seed, uint64_t branch, uint64_t position);

// Samples one branch in RWKV's own order (BlinkDL's PIPELINE): bias and bans;
// penalties of tokens generated so far, whose counts decay; softmax at T = 1;
// top-p by cutoff, ties kept; top-k; p^(1/T); draw. Temperature 0 or top_p 0
// is greedy: the first of the largest logits. All arithmetic is in double, in
// one order: the same logits and seed give the same token.
//
// Thread-compatible. Borrows the tokenizer.
class Sampler {
 public:
  struct Choice {
    int id = 0;
    float logprob = 0;  // of log softmax after bias, before all else
    std::vector<TokenLogprob> top;
  };

  Sampler(const Sampling& sampling, const Tokenizer* tokenizer, int branch,
          int top_logprobs);

  // The token at `position`, counted in tokens from the stream's beginning.
  Choice Next(absl::Span<const float> logits, uint64_t position);

 private:
  void Penalize(std::vector<double>* logits) const;
  int Draw(const std::vector<double>& logits, uint64_t position) const;
  void Count(int id);

  const Sampling sampling_;
  const Tokenizer* const tokenizer_;
  const int branch_;
  const int top_logprobs_;
  std::map<int, double> counts_;
};

// log softmax of logits[id], in double.
double LogProbability(absl::Span<const float> logits, int id);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_SAMPLER_H_
