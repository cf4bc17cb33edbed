#include "tests/bench/stream_nats.h"

#include <algorithm>
#include <cmath>

#include "base/status_macros.h"

namespace oxbow {
namespace {

constexpr int kStepTokens = 256;

// -ln p of `token`.
double Nats(const float* logits, int count, int token) {
  const float largest = *std::max_element(logits, logits + count);
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += std::exp(logits[i] - largest);
  return std::log(sum) - (logits[token] - largest);
}

}  // namespace

absl::StatusOr<double> StreamNats(Model& model,
                                  const std::vector<int>& tokens) {
  ASSIGN_OR_RETURN(const StateSlot slot, model.NewState());
  const int width = model.info().width;
  const int vocabulary_size = model.info().vocabulary_size;
  std::vector<float> hidden, logits;
  double nats = 0;
  for (size_t at = 0; at + 1 < tokens.size(); at += kStepTokens) {
    const size_t end = std::min(at + kStepTokens, tokens.size() - 1);
    const int count = static_cast<int>(end - at);
    Batch batch;
    batch.tokens.assign(tokens.begin() + at, tokens.begin() + end);
    batch.row_end = {count};
    batch.slots = {slot};
    for (int n = 0; n < count; ++n) batch.hidden_rows.push_back(n);
    hidden.resize(size_t{1} * count * width);
    logits.resize(size_t{1} * count * vocabulary_size);
    model.Step(batch, absl::MakeSpan(hidden));
    model.Logits(hidden, absl::MakeSpan(logits));
    for (int n = 0; n < count; ++n) {
      nats += Nats(&logits[size_t{1} * n * vocabulary_size], vocabulary_size,
                   tokens[at + n + 1]);
    }
  }
  model.FreeState(slot);
  return nats;
}

}  // namespace oxbow
