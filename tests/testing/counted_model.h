// A model that counts what it reads.
#ifndef OXBOW_TESTS_TESTING_COUNTED_MODEL_H_
#define OXBOW_TESTS_TESTING_COUNTED_MODEL_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "engine/model/model.h"

namespace oxbow {

// Hands every call on to the model it was made of and adds the tokens of each
// step to `tokens`, which outlives it. Thread-compatible.
class CountedModel : public Model {
 public:
  CountedModel(std::unique_ptr<Model> model, std::atomic<int64_t>* tokens)
      : model_(std::move(model)), tokens_(tokens) {}

  const ModelInfo& info() const override { return model_->info(); }
  absl::StatusOr<StateSlot> NewState() override { return model_->NewState(); }
  void FreeState(StateSlot slot) override { model_->FreeState(slot); }
  void ResetState(StateSlot slot) override { model_->ResetState(slot); }
  void CopyState(StateSlot to, StateSlot from) override {
    model_->CopyState(to, from);
  }
  void ReadState(StateSlot slot, absl::Span<char> bytes) const override {
    model_->ReadState(slot, bytes);
  }
  absl::Status WriteState(StateSlot slot,
                          absl::Span<const char> bytes) override {
    return model_->WriteState(slot, bytes);
  }
  void Step(const Batch& batch, absl::Span<float> hidden) override {
    *tokens_ += static_cast<int64_t>(batch.tokens.size());
    model_->Step(batch, hidden);
  }
  void HiddenOf(StateSlot slot, absl::Span<float> hidden) const override {
    model_->HiddenOf(slot, hidden);
  }
  void Logits(absl::Span<const float> hidden,
              absl::Span<float> logits) override {
    model_->Logits(hidden, logits);
  }
  void EmbeddingHead(const std::string& head, absl::Span<const float> hidden,
                     absl::Span<float> embedding) override {
    model_->EmbeddingHead(head, hidden, embedding);
  }
  void RankLogits(absl::Span<const float> hidden,
                  absl::Span<float> logits) override {
    model_->RankLogits(hidden, logits);
  }

 private:
  const std::unique_ptr<Model> model_;
  std::atomic<int64_t>* const tokens_;
};

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_COUNTED_MODEL_H_
