#include "engine/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "engine/philox.h"

namespace oxbow {
namespace {

// log of the sum of exp(logits).
template <typename T>
double LogSumExp(const T& logits) {
  const double max = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (double logit : logits) sum += std::exp(logit - max);
  return max + std::log(sum);
}

// Ids by falling value, the smaller id first among equals.
std::vector<int> Largest(const std::vector<double>& values, size_t count) {
  std::vector<int> ids(values.size());
  std::iota(ids.begin(), ids.end(), 0);
  count = std::min(count, ids.size());
  std::partial_sort(ids.begin(), ids.begin() + count, ids.end(),
                    [&values](int a, int b) {
                      if (values[a] != values[b]) return values[a] > values[b];
                      return a < b;
                    });
  ids.resize(count);
  return ids;
}

// Zeroes what lies below the smallest probability of the fewest tokens that
// together reach top_p. Ties with it stay.
void KeepTopP(double top_p, std::vector<double>* p) {
  if (top_p >= 1) return;
  std::vector<double> sorted;
  for (double value : *p) {
    if (value > 0) sorted.push_back(value);
  }
  std::sort(sorted.begin(), sorted.end(), std::greater<double>());
  double sum = 0, cutoff = 0;
  for (double value : sorted) {
    sum += value;
    cutoff = value;
    if (sum >= top_p) break;
  }
  for (double& value : *p) {
    if (value < cutoff) value = 0;
  }
}

void KeepTopK(size_t top_k, std::vector<double>* p) {
  if (top_k == 0 || top_k >= p->size()) return;
  std::vector<double> kept(p->size(), 0.0);
  for (int id : Largest(*p, top_k)) kept[id] = (*p)[id];
  *p = std::move(kept);
}

// Blanks and digits recur by nature: their counts do not grow.
bool RecursByNature(absl::string_view piece) {
  return piece.size() == 1 && (piece[0] == ' ' || piece[0] == '\t' ||
                               (piece[0] >= '0' && piece[0] <= '9'));
}

}  // namespace

double UniformAt(uint64_t seed, uint64_t branch, uint64_t position) {
  const std::array<uint32_t, 4> words = Philox(
      {static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32),
       static_cast<uint32_t>(branch), 0},
      {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  const uint64_t bits = (uint64_t{words[0]} << 32 | words[1]) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

double LogProbability(absl::Span<const float> logits, int id) {
  return logits[id] - LogSumExp(logits);
}

Sampler::Sampler(const Sampling& sampling, const Tokenizer* tokenizer,
                 int branch, int top_logprobs)
    : sampling_(sampling),
      tokenizer_(tokenizer),
      branch_(branch),
      top_logprobs_(top_logprobs) {}

Sampler::Choice Sampler::Next(absl::Span<const float> logits,
                              uint64_t position) {
  std::vector<double> biased(logits.begin(), logits.end());
  for (const auto& [id, bias] : sampling_.logit_bias) biased[id] += bias;
  const double normalizer = LogSumExp(biased);
  std::vector<double> penalized = biased;
  for (const auto& [id, count] : counts_) {
    penalized[id] -=
        sampling_.presence_penalty + count * sampling_.frequency_penalty;
  }
  Choice choice;
  choice.id = Draw(penalized, position);
  choice.logprob = static_cast<float>(biased[choice.id] - normalizer);
  for (int id : Largest(biased, top_logprobs_)) {
    choice.top.push_back({id, static_cast<float>(biased[id] - normalizer)});
  }
  Count(choice.id);
  return choice;
}

int Sampler::Draw(const std::vector<double>& logits, uint64_t position) const {
  if (sampling_.temperature == 0 || sampling_.top_p == 0 ||
      sampling_.top_k == 1) {
    return Largest(logits, 1).front();
  }
  const double normalizer = LogSumExp(logits);
  std::vector<double> p(logits.size());
  for (size_t i = 0; i < p.size(); ++i) p[i] = std::exp(logits[i] - normalizer);
  KeepTopP(sampling_.top_p, &p);
  KeepTopK(sampling_.top_k, &p);
  if (sampling_.temperature != 1) {
    for (double& value : p) {
      if (value > 0) value = std::pow(value, 1.0 / sampling_.temperature);
    }
  }
  double left = UniformAt(sampling_.seed, branch_, position) *
                std::accumulate(p.begin(), p.end(), 0.0);
  int last = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] <= 0) continue;
    last = static_cast<int>(i);
    left -= p[i];
    if (left < 0) break;
  }
  return last;
}

void Sampler::Count(int id) {
  for (auto& [seen, count] : counts_) count *= sampling_.penalty_decay;
  counts_[id] += RecursByNature(tokenizer_->Piece(id)) ? 0 : 1;
}

}  // namespace oxbow
