#include "engine/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "engine/philox.h"
#include "kernels/cpu/softmax.h"

namespace oxbow {
namespace {

// Buffers of the vocabulary's size, kept: to allocate half a megabyte a token
// takes longer than all that is done with it.
struct Room {
  std::vector<double> biased, penalized, p, sorted;
};

Room& RoomOfThread() {
  static thread_local Room room;
  return room;
}

// log of the sum of exp(logits).
double LogSumExp(const std::vector<double>& logits) {
  const double max = MaxOf(logits);
  return max + std::log(SumOfExps(logits, max));
}

// Ids by falling value, the smaller id first among equals.
std::vector<int> Largest(const std::vector<double>& values, size_t count) {
  if (count == 0) return {};
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

// The smallest of the fewest values above `above` that together reach top_p;
// nullopt: all together do not.
absl::optional<double> Cutoff(double top_p, const std::vector<double>& p,
                              double above, std::vector<double>* sorted) {
  sorted->clear();
  for (double value : p) {
    if (value > above) sorted->push_back(value);
  }
  std::sort(sorted->begin(), sorted->end(), std::greater<double>());
  double sum = 0;
  for (double value : *sorted) {
    sum += value;
    if (sum >= top_p) return value;
  }
  return absl::nullopt;
}

// Zeroes what lies below the smallest probability of the fewest tokens that
// together reach top_p. Ties with it stay.
void KeepTopP(double top_p, std::vector<double>* p) {
  if (top_p >= 1) return;
  // Nearly always a few likely tokens reach it: the others need no sorting.
  for (const double above : {1e-3, 1e-5, 0.0}) {
    const absl::optional<double> cutoff =
        Cutoff(top_p, *p, above, &RoomOfThread().sorted);
    if (!cutoff.has_value()) continue;
    for (double& value : *p) {
      if (value < *cutoff) value = 0;
    }
    return;
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
  std::vector<double>& room = RoomOfThread().biased;
  room.assign(logits.begin(), logits.end());
  return logits[id] - LogSumExp(room);
}

Sampler::Sampler(const Sampling& sampling, const Tokenizer* tokenizer,
                 int branch, int top_logprobs)
    : sampling_(sampling),
      tokenizer_(tokenizer),
      branch_(branch),
      top_logprobs_(top_logprobs) {}

Sampler::Choice Sampler::Next(absl::Span<const float> logits,
                              uint64_t position) {
  Room& room = RoomOfThread();
  std::vector<double>& biased = room.biased;
  biased.assign(logits.begin(), logits.end());
  for (const auto& [id, bias] : sampling_.logit_bias) biased[id] += bias;
  const double normalizer = LogSumExp(biased);
  room.penalized = biased;
  Penalize(&room.penalized);
  Choice choice;
  choice.id = Draw(room.penalized, position);
  choice.logprob = static_cast<float>(biased[choice.id] - normalizer);
  for (int id : Largest(biased, top_logprobs_)) {
    choice.top.push_back({id, static_cast<float>(biased[id] - normalizer)});
  }
  Count(choice.id);
  return choice;
}

void Sampler::Penalize(std::vector<double>* logits) const {
  for (const auto& [id, count] : counts_) {
    (*logits)[id] -=
        sampling_.presence_penalty + count * sampling_.frequency_penalty;
  }
}

int Sampler::Draw(const std::vector<double>& logits, uint64_t position) const {
  if (sampling_.temperature == 0 || sampling_.top_p == 0 ||
      sampling_.top_k == 1) {
    const auto largest = std::find(logits.begin(), logits.end(), MaxOf(logits));
    // A broken model's logits may not be numbers: none is the largest then.
    if (largest == logits.end()) return 0;
    return static_cast<int>(largest - logits.begin());
  }
  const double normalizer = LogSumExp(logits);
  std::vector<double>& p = RoomOfThread().p;
  p.resize(logits.size());
  Exps(absl::MakeSpan(p), logits, normalizer);
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
