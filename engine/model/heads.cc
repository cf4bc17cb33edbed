#include "engine/model/heads.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "engine/model/own_exp.h"

namespace oxbow {
namespace {

// Rows whose logits are computed together: a row may take 256 KB.
constexpr int kLogitsRows = 64;

// The same bits on every machine; exact enough where both are near 1.
double Tanh(double x) { return 1.0 - 2.0 / (OwnExp(2.0 * x) + 1.0); }

}  // namespace

Heads::Heads(Ops* ops, const ModelConfig& config, WeightLoader& loader)
    : ops_(ops),
      width_(config.width),
      has_lm_head_(config.has_lm_head),
      scratch_(ops),
      logits_(ops) {
  if (has_lm_head_) {
    lm_head_ = loader.GetMatrix("head.weight", config.vocabulary_size, width_);
  }
  for (const std::string& name : config.embedding_heads) {
    const std::string stem = absl::StrCat("head.", name, "_head.");
    EmbeddingHead& head = embedding_heads_[name];
    head.fc1 = loader.GetMatrix(stem + "fc1.weight", width_, width_);
    head.fc2 = loader.GetMatrix(stem + "fc2.weight", width_, width_);
    head.norm = {loader.GetVector(stem + "norm.weight", {width_}),
                 loader.GetVector(stem + "norm.bias", {width_})};
  }
  if (config.has_rank_head) {
    rank_in_ = loader.GetMatrix("head.0.weight", width_, width_);
    rank_bias_ = loader.GetNumbers("head.0.bias", {width_});
    rank_out_ = loader.GetNumbers("head.2.weight", {1, width_});
  }
  x_ = scratch_.Add(width_);
  between_ = scratch_.Add(width_);
  logits_rows_ = logits_.Add(config.vocabulary_size);
}

Rows Heads::Take(absl::Span<const float> hidden) {
  OXBOW_CHECK(hidden.size() % width_ == 0) << hidden.size();
  const int count = static_cast<int>(hidden.size() / width_);
  scratch_.Resize(count);
  const Rows x = scratch_.Get(x_);
  for (int n = 0; n < count; ++n) {
    ops_->Write(x.row(n), hidden.subspan(size_t{1} * n * width_, width_));
  }
  return x;
}

void Heads::Give(Rows rows, absl::Span<float> to) const {
  OXBOW_CHECK(to.size() == size_t{1} * rows.count * rows.width) << to.size();
  for (int n = 0; n < rows.count; ++n) {
    ops_->Read(to.subspan(size_t{1} * n * rows.width, rows.width), rows.row(n));
  }
}

void Heads::Logits(absl::Span<const float> hidden, absl::Span<float> logits) {
  OXBOW_CHECK(has_lm_head_);
  const size_t part_numbers = size_t{1} * kLogitsRows * width_;
  while (!hidden.empty()) {
    const Rows x = Take(hidden.first(std::min(part_numbers, hidden.size())));
    logits_.Resize(x.count);
    const Rows y = logits_.Get(logits_rows_);
    ops_->Multiply({{y, x, lm_head_}});
    Give(y, logits.first(size_t{1} * y.count * y.width));
    hidden.remove_prefix(size_t{1} * x.count * width_);
    logits.remove_prefix(size_t{1} * y.count * y.width);
  }
  OXBOW_CHECK(logits.empty()) << logits.size();
}

void Heads::Embed(const std::string& head, absl::Span<const float> hidden,
                  absl::Span<float> embedding) {
  const auto found = embedding_heads_.find(head);
  OXBOW_CHECK(found != embedding_heads_.end()) << head;
  const EmbeddingHead& p = found->second;
  const Rows x = Take(hidden), between = scratch_.Get(between_);
  ops_->Multiply({{between, x, p.fc1, Activation::kRelu}});
  ops_->Multiply({{x, between, p.fc2, Activation::kNone, /*add=*/true}});
  ops_->Norm(x, x, p.norm.scale, p.norm.bias, kLayerNormEps);
  Give(x, embedding);
}

void Heads::RankLogits(absl::Span<const float> hidden,
                       absl::Span<float> logits) {
  OXBOW_CHECK(!rank_out_.empty());
  const Rows x = Take(hidden), between = scratch_.Get(between_);
  ops_->Multiply({{between, x, rank_in_}});
  std::vector<float> rows(hidden.size());
  Give(between, absl::MakeSpan(rows));
  OXBOW_CHECK(logits.size() * width_ == rows.size()) << logits.size();
  for (size_t n = 0; n < logits.size(); ++n) {
    double sum = 0;
    for (int c = 0; c < width_; ++c) {
      sum += rank_out_[c] * Tanh(double{rows[n * width_ + c]} + rank_bias_[c]);
    }
    logits[n] = static_cast<float>(sum);
  }
}

}  // namespace oxbow
