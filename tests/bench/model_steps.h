// Steps of a model with tokens that do not matter.
#ifndef OXBOW_TESTS_BENCH_MODEL_STEPS_H_
#define OXBOW_TESTS_BENCH_MODEL_STEPS_H_

#include <vector>

#include "engine/model/model.h"

namespace oxbow {

// Thread-compatible. Borrows the model.
class ModelSteps {
 public:
  explicit ModelSteps(Model* model) : model_(model) {}

  // `rows` tokens for each slot, then logits of each one's last.
  void Step(const std::vector<StateSlot>& slots, int rows) {
    Batch batch;
    batch.slots = slots;
    for (size_t s = 0; s < slots.size(); ++s) {
      for (int row = 0; row < rows; ++row) {
        batch.tokens.push_back(++token_ % model_->info().vocabulary_size);
      }
      batch.row_end.push_back(static_cast<int>(batch.tokens.size()));
      batch.hidden_rows.push_back(batch.row_end.back() - 1);
    }
    hidden_.resize(slots.size() * model_->info().width);
    logits_.resize(slots.size() * model_->info().vocabulary_size);
    model_->Step(batch, absl::MakeSpan(hidden_));
    model_->Logits(hidden_, absl::MakeSpan(logits_));
  }

 private:
  Model* const model_;
  int token_ = 0;
  std::vector<float> hidden_, logits_;
};

}  // namespace oxbow

#endif  // OXBOW_TESTS_BENCH_MODEL_STEPS_H_
