#include "engine/branch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"

namespace oxbow {

Branch::Branch(const GenerateRequest* request, const Tokenizer* tokenizer,
               int index, uint64_t position)
    : request_(request),
      tokenizer_(tokenizer),
      index_(index),
      position_(position),
      sampler_(request->sampling, tokenizer, index, request->top_logprobs) {}

bool Branch::IsStopId(int id) const {
  return std::find(request_->stop_ids.begin(), request_->stop_ids.end(), id) !=
         request_->stop_ids.end();
}

int Branch::Draw(absl::Span<const float> logits) {
  Sampler::Choice choice = sampler_.Next(logits, position_ + ids_.size());
  if (IsStopId(choice.id)) {
    reason_ = FinishReason::kStopToken;
    return choice.id;
  }
  if (choice.id == tokenizer_->end_of_document() &&
      !request_->ignore_end_of_document) {
    reason_ = FinishReason::kEndOfDocument;
    return choice.id;
  }
  GeneratedToken token;
  token.branch = index_;
  token.index = static_cast<int>(ids_.size());
  token.id = choice.id;
  token.bytes = std::string(tokenizer_->Piece(choice.id));
  token.logprob = choice.logprob;
  token.top = std::move(choice.top);
  text_ += token.bytes;
  ids_.push_back(choice.id);
  ends_.push_back(text_.size());
  held_.push_back(std::move(token));
  FindStop();
  if (!finished() && static_cast<int>(ids_.size()) >= request_->tokens_max) {
    reason_ = FinishReason::kLength;
  }
  return choice.id;
}

void Branch::FindStop() {
  size_t first = std::string::npos;
  for (const std::string& stop : request_->stops) {
    first = std::min(first, text_.find(stop));
  }
  if (first == std::string::npos) return;
  reason_ = FinishReason::kStopText;
  text_.resize(first);
  while (!ids_.empty() && ends_.back() > first) {
    ids_.pop_back();
    ends_.pop_back();
  }
  while (told_ + held_.size() > ids_.size()) held_.pop_back();
}

size_t Branch::MaybeStopBytes() const {
  size_t bytes = 0;
  for (const std::string& stop : request_->stops) {
    for (size_t n = std::min(stop.size() - 1, text_.size()); n > bytes; --n) {
      if (absl::EndsWith(text_, absl::string_view(stop).substr(0, n))) {
        bytes = n;
      }
    }
  }
  return bytes;
}

std::vector<GeneratedToken> Branch::TakeTold() {
  const size_t clear =
      finished() ? text_.size() : text_.size() - MaybeStopBytes();
  std::vector<GeneratedToken> told;
  while (!held_.empty() && ends_[told_] <= clear) {
    told.push_back(std::move(held_.front()));
    held_.pop_front();
    ++told_;
  }
  return told;
}

}  // namespace oxbow
